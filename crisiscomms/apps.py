from django.apps import AppConfig


class CrisisCommsConfig(AppConfig):
    name = "crisiscomms"
    verbose_name = "Crisis Comms"

    def ready(self) -> None:
        # The Celery app becomes the current one here, so that every process rings the same broker.
        from crisiscomms import accounts, celery, control, first_steps, form_words, personal, retention, watched
        from crisiscomms.api import tokens
        from crisiscomms.signin import factors, oidc, rules, sessions

        form_words.speak()
        assert accounts
        assert celery
        assert control
        assert first_steps
        assert all([factors, oidc, rules, sessions])
        assert personal
        assert retention
        assert tokens
        assert watched
