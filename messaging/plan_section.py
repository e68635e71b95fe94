"""What a playbook says about messages: which templates to start from, and for whom texts are made."""

from incidents import playbooks
from incidents.playbooks import Field, Section, one_of
from messaging.models import Template

# The audiences of the domain, whether or not a text for each can be sent from here yet.
AUDIENCES = (
    ("customers", "Customers"),
    ("technical_teams", "Customers’ technical teams"),
    ("executive_sponsors", "Executive sponsors"),
    ("end_users", "End users"),
    ("prospects", "Prospects"),
    ("partners", "Partners"),
    ("employees", "Employees"),
    ("sales", "Sales"),
    ("media", "Media"),
    ("regulators", "Regulators"),
    ("investors", "Investors"),
    ("public", "General public"),
)

playbooks.register(
    Section(
        40,
        "messages",
        "Messages",
        (
            Field(
                "templates", "Templates to start from", "One a line, by its name.",
                **one_of(lambda: Template.objects.order_by("key").values_list("key", "name")),
            ),
            Field("audiences", "Audiences", "For whom texts are made, one a line.", **one_of(lambda: AUDIENCES)),
        ),
    )
)  # fmt: skip
