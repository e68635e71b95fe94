"""What a playbook says about sending: the waves in their order, and the channels."""

from delivery.models import Dispatch
from incidents import playbooks
from incidents.playbooks import Field, Section, one_of

playbooks.register(
    Section(
        50,
        "sending",
        "Sending",
        (
            Field("waves", "Waves, in their order", "Who hears it first, who after them; one wave a line."),
            Field("channels", "Channels", "One a line.", **one_of(lambda: Dispatch.Channel.choices)),
        ),
    )
)
