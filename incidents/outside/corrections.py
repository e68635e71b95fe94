"""What a correction of a mention or a reaction changed, in words."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from crisiscomms import audit
from incidents.models import CompetitorReaction, Correction, Mention

# What people outside can be known by. It is forgotten with the mention; the record never has it.
OF_PEOPLE = ("link", "author", "quote")
LABELS = {
    "channel": "channel",
    "where": "where",
    "sentiment": "sentiment",
    "reach": "readers",
    "seen_at": "seen at",
    "link": "link",
    "author": "who said it",
    "quote": "what they said",
    "competitor": "competitor",
    "what": "what they do",
}
Changes = Mapping[str, tuple[Any, Any]]


def plain(value: Any) -> Any:
    """As it is kept in JSON."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def said(row: Mention | CompetitorReaction, changes: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """(field, label, before, after), in the order of the form."""
    for name, label in LABELS.items():
        if name in changes:
            before, after = changes[name]
            yield name, label, _word(row, name, before), _word(row, name, after)


def _word(row: Mention | CompetitorReaction, name: str, value: Any) -> str:
    if value == audit.ERASED:
        return audit.ERASED
    if name == "seen_at":
        at = parse_datetime(value) if isinstance(value, str) else value
        return f"{at.astimezone(UTC):%d %b %Y %H:%M} UTC"
    choices = dict(row._meta.get_field(name).flatchoices)
    return str(choices.get(value, value)).lower() if choices else str(value)


def of(row: Mention | CompetitorReaction) -> list[tuple[Correction, list[tuple[str, str, str]]]]:
    """Every correction, the newest first, with what it changed: (label, before, after)."""
    return [
        (one, [(label, before or "nothing", after or "nothing") for _, label, before, after in said(row, one.changes)])
        for one in row.corrections.select_related("by")
    ]


def forget(mentions: list[Mention]) -> None:
    """What these corrections say of people goes with what the mentions say of them."""
    found = list(Correction.objects.filter(mention__in=mentions))
    for one in found:
        erased = {name: [audit.ERASED, audit.ERASED] for name in OF_PEOPLE if name in one.changes}
        one.changes = {**one.changes, **erased}
    Correction.objects.bulk_update(found, ["changes"], batch_size=200)
