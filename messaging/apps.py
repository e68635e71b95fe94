from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from incidents.signals import milestone_reached
        from messaging import cadence, mails

        assert mails
        milestone_reached.connect(_milestone_reached, dispatch_uid="messaging.cadence")
        assert cadence


def _milestone_reached(**sent: object) -> None:
    from messaging import cadence

    cadence.milestone_reached(**{name: sent[name] for name in ("incident", "kind", "now")})  # type: ignore[arg-type]
