from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "incidents"

    def ready(self) -> None:
        from crisiscomms import checklist
        from incidents import (
            calendars,
            clocks,
            documents,
            facts,
            forgetting,
            forgetting_documents,
            forgetting_mentions,
            handover,
            mails,
            noticed,
            obligation_rules,
            outward_handover,
            plan_sections,
            rules,
            search,
            watched,
        )
        from incidents.models import Component
        from incidents.record import concept_parts, own_parts
        from incidents.signals import incident_closed

        assert calendars
        assert clocks
        assert documents
        assert facts
        assert forgetting
        assert forgetting_documents
        assert forgetting_mentions
        assert concept_parts
        assert own_parts
        assert handover
        assert mails
        assert noticed
        assert obligation_rules
        assert outward_handover
        assert plan_sections
        assert rules
        assert search
        assert watched
        incident_closed.connect(_roles_end, dispatch_uid="incidents.roles")
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


def _roles_end(**sent: object) -> None:
    from incidents.actions import roles

    roles.end_all(sent["incident"], by=sent["by"], now=sent["now"])  # type: ignore[arg-type]
