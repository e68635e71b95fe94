from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from incidents.signals import incident_closed, milestone_reached
        from messaging import cadence, mails

        assert mails
        incident_closed.connect(_incident_closed, dispatch_uid="messaging.approvals")
        milestone_reached.connect(_milestone_reached, dispatch_uid="messaging.cadence")
        assert cadence


def _milestone_reached(**sent: object) -> None:
    from messaging import cadence

    cadence.milestone_reached(**{name: sent[name] for name in ("incident", "kind", "now")})  # type: ignore[arg-type]


def _incident_closed(**sent: object) -> None:
    from messaging.actions import approvals

    approvals.void_all(**{name: sent[name] for name in ("incident", "by", "now")})  # type: ignore[arg-type]
