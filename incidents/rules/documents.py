"""What may stand in the policy of what has to be on record."""

from collections import Counter
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import Field, model_validator

from crisiscomms import policy
from crisiscomms.policy import OneOf, RoleName, Rules, says
from incidents.models import Incident
from incidents.record import documents
from incidents.rules.words import Line, known_roles

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
LEVELS = [("minimal", "Minimal"), ("selective", "Selective"), ("transparent", "Transparent")]


def _choices() -> list[tuple[str, str]]:
    shipped = documents.on_paper(documents.rules())
    looked_up = documents.registered()
    return sorted({**{key: one["label"] for key, one in shipped.items()},
                   **{key: one.label for key, one in looked_up.items()}}.items(), key=lambda one: one[1])  # fmt: skip


class Paper(Rules):
    """What a person puts on record, as nothing in the product can look it up."""

    key: Key = says("Key", "Short and fixed: requirements name it.")
    label: Line = says("Name", "As it stands on the record page.")
    what: Line = says("What is asked for", "Read by whoever puts it there.")
    role: RoleName = says("Whose job", "People with this role are named first. Whoever works on it may add it.")

    @model_validator(mode="after")
    def _fits(self) -> "Paper":
        known_roles([self.role])
        return self


class Requirement(Rules):
    key: Annotated[str, OneOf(_choices)] = says("Document", "It has to be on record.")
    kinds: list[Annotated[str, OneOf(lambda: Incident.Kind.choices)]] = Field(
        [], title="Only for kinds", description="None chosen: for every kind."
    )
    severities: list[Annotated[str, OneOf(lambda: Incident.Severity.choices)]] = Field(
        [], title="Only for severities", description="None chosen: for every severity."
    )
    disclosure: list[Annotated[str, OneOf(lambda: LEVELS)]] = Field(
        [], title="Only at disclosure levels", description="None chosen: at every level, also before it is decided."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Requirement":
        for name, wanted in (
            ("kinds", Incident.Kind.values),
            ("severities", Incident.Severity.values),
            ("disclosure", [key for key, _ in LEVELS]),
        ):
            unknown = sorted(set(getattr(self, name)) - set(wanted))
            if unknown:
                raise ValueError(f"{name} may hold only: {', '.join(wanted)}")
        return self


class DocumentRules(Rules):
    documents: Annotated[list[Paper], Field(max_length=100)] = says(
        "Put on record by people", "A note, a link or a file. What the product looks up itself stands below only."
    )
    phases: dict[
        Annotated[str, OneOf(lambda: Incident.Phase.choices)], Annotated[list[Requirement], Field(max_length=60)]
    ] = says("Required by phase", "Asked for from the phase on in which it stands.")
    file_megabytes: Annotated[int, Field(ge=1, le=50)] = says("Largest file (MB)", "That is put on record.")
    keep_archives_days: Annotated[int, Field(ge=1, le=90)] = says(
        "Exports are kept (days)", "Then the archive is deleted here. Who took it and its digest stay."
    )

    # Installations keep the policy that they have, so it may lack these two.
    anchor_addresses: Annotated[list[Annotated[str, Field(max_length=254)]], Field(max_length=10)] = Field(
        [],
        title="Addresses for anchors",
        description="Mailboxes outside, such as an auditor’s, that are sent the signed ends of all chains. None: nothing is sent.",
    )
    anchor_every_hours: Annotated[int, Field(ge=1, le=168)] = Field(
        24,
        title="Anchors are sent every (hours)",
        description="What was written since the last ones could be cut off unseen.",
    )

    @model_validator(mode="after")
    def _mailable(self) -> "DocumentRules":
        for address in self.anchor_addresses:
            try:
                validate_email(address)
            except ValidationError:
                raise ValueError(f"anchor_addresses: “{address}” is not an e-mail address") from None
        _once(self.anchor_addresses, "anchor_addresses names")
        return self

    @model_validator(mode="after")
    def _whole(self) -> "DocumentRules":
        unknown = sorted(set(self.phases) - set(Incident.Phase.values))
        if unknown:
            raise ValueError(f"“{unknown[0]}” is no phase. Phases are: {', '.join(Incident.Phase.values)}")
        _once([one.key for one in self.documents], "documents names")
        asked = [one.key for entries in self.phases.values() for one in entries]
        _once(asked, "phases ask for")
        known = {one.key for one in self.documents} | set(documents.registered())
        missing = sorted(set(asked) - known)
        if missing:
            raise ValueError(f"“{missing[0]}” is not a document. Documents are: {', '.join(sorted(known))}")
        return self


def _once(keys: list[Any], words: str) -> None:
    twice = [key for key, count in Counter(keys).items() if count > 1]
    if twice:
        raise ValueError(f"{words} “{twice[0]}” twice")


policy.describe(
    policy.Description(
        "documents",
        "What has to be on record",
        "Which documents an incident needs by which phase, and whose job they are.",
        DocumentRules,
    )
)
