from importlib import import_module

from django.apps import AppConfig

# What registers something of this house with a house below, or with the house itself, as it is imported.
REGISTERING = (
    "clock.calendars",
    "clock.clocks",
    "record.documents",
    "facts",
    "forgetting.signals",
    "forgetting.deadlines",
    "forgetting.documents",
    "forgetting.mentions",
    "team.handover",
    "mails",
    "noticing.noticed",
    "clock.obligation_rules",
    "outside.handover",
    "playbooks.own_sections",
    "rules",
    "search",
    "watched",
    "record.concept_parts",
    "record.own_parts",
)


class IncidentsConfig(AppConfig):
    name = "incidents"

    def ready(self) -> None:
        from crisiscomms import checklist
        from incidents.models import AnchorMail, Component
        from incidents.signals import incident_closed

        for module in REGISTERING:
            import_module(f"incidents.{module}")
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
        checklist.register(
            checklist.Step(
                90,
                "anchors",
                "Have the ends of the record sent outside",
                "Whoever cuts off the end of a record cannot cut what an auditor or a lawyer has in the mailbox.",
                "incidents:anchors",
                lambda: AnchorMail.objects.filter(state=AnchorMail.State.SENT).exists(),
                optional=True,
            )
        )


def _roles_end(**sent: object) -> None:
    from incidents.actions import roles

    roles.end_all(sent["incident"], by=sent["by"], now=sent["now"])  # type: ignore[arg-type]
