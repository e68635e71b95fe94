from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from crisiscomms import checklist
        from incidents import disclosure
        from incidents.signals import incident_closed, milestone_reached
        from messaging import cadence, mails, record, rules, search, watched
        from messaging.actions import proof
        from messaging.content import CHANNELS
        from messaging.models import ApprovalRequest

        assert mails
        assert proof
        assert record
        assert rules
        assert search
        assert watched
        for key, label in CHANNELS.items():
            disclosure.register_channel(key, label)
        incident_closed.connect(_incident_closed, dispatch_uid="messaging.approvals")
        milestone_reached.connect(_milestone_reached, dispatch_uid="messaging.cadence")
        assert cadence
        checklist.register(
            checklist.Step(
                90,
                "message",
                "Have a first message approved",
                "Declare an incident, write the holding statement and send it for approval. "
                "Nothing leaves before somebody presses Send.",
                "incidents:declare",
                lambda: ApprovalRequest.objects.filter(state=ApprovalRequest.State.APPROVED).exists(),
            )
        )


def _milestone_reached(**sent: object) -> None:
    from messaging import cadence

    cadence.milestone_reached(**{name: sent[name] for name in ("incident", "kind", "now")})  # type: ignore[arg-type]


def _incident_closed(**sent: object) -> None:
    from messaging.actions import approvals

    approvals.void_all(**{name: sent[name] for name in ("incident", "by", "now")})  # type: ignore[arg-type]
