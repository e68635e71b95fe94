from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from crisiscomms import checklist
        from incidents import disclosure
        from incidents import facts as fact_sheet
        from incidents.signals import fact_changed, incident_closed
        from messaging import cadence, facts, mails, open_work, plan_section, record, rules, search, watched
        from messaging.actions import proof
        from messaging.content import CHANNELS
        from messaging.models import ApprovalRequest

        assert mails
        assert open_work
        assert plan_section
        assert proof
        assert record
        assert rules
        assert search
        assert watched
        for key, label in CHANNELS.items():
            disclosure.register_channel(key, label)
        incident_closed.connect(_incident_closed, dispatch_uid="messaging.approvals")
        fact_changed.connect(_fact_changed, dispatch_uid="messaging.facts")
        fact_sheet.register_uses("messaging", facts.uses_in_writing)
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


def _incident_closed(**sent: object) -> None:
    from messaging.actions import approvals

    approvals.void_all(**{name: sent[name] for name in ("incident", "by", "now")})  # type: ignore[arg-type]


def _fact_changed(**sent: object) -> None:
    from messaging.actions import approvals

    approvals.void_for_fact(**{name: sent[name] for name in ("incident", "fact", "by", "now")})  # type: ignore[arg-type]
