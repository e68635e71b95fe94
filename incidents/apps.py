from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "incidents"

    def ready(self) -> None:
        from crisiscomms import checklist
        from incidents import documents, forgetting, handover, mails, rules, search, watched
        from incidents.models import Component
        from incidents.record import own_parts

        assert documents
        assert forgetting
        assert own_parts
        assert handover
        assert mails
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
