from django.apps import AppConfig


class StakeholdersConfig(AppConfig):
    name = "stakeholders"

    def ready(self) -> None:
        from crisiscomms import checklist
        from stakeholders import forgetting, rules, search, watched
        from stakeholders.models import Contact

        assert forgetting
        assert rules
        assert search
        assert watched
        checklist.register(
            checklist.Step(
                50,
                "contacts",
                "Import your contacts",
                "Whom to tell, and who is told first. Import again whenever your CRM has changed.",
                "stakeholders:upload",
                lambda: Contact.objects.exists(),
            )
        )
