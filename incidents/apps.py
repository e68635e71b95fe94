from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "incidents"

    def ready(self) -> None:
        from crisiscomms import checklist
        from incidents import forgetting, handover, mails, outward_handover, plan_sections, rules, search, watched
        from incidents.models import Component

        assert forgetting
        assert handover
        assert mails
        assert outward_handover
        assert plan_sections
        assert rules
        assert search
        assert watched
        checklist.register(
            checklist.Step(
                40,
                "products",
                "Add products and their parts",
                "What customers use, by the names they know. An incident says which parts are affected.",
                "incidents:products",
                lambda: Component.objects.in_use().exists(),
            )
        )
