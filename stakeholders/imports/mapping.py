"""Which column of a file means what: proposed from the names, remembered for files with the same names."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from crisiscomms.refusal import Refused
from stakeholders.imports.kinds import Kind
from stakeholders.models import ColumnMapping

# Field key → column name. Names are unique in a file, so a mapping survives columns that change places.
Mapping = dict[str, str]

OUTDATED = (
    "Columns were chosen for such a file before, but for an older version of Crisis Comms in which they meant other "
    "things. That choice was not used. Look at the columns and choose again."
)
_PLAIN = re.compile(r"[\W_]+")


def propose(kind: Kind, headers: Sequence[str]) -> tuple[Mapping, str]:
    """What the columns probably mean: as last time for the same names, else by their names. And what to say of it."""
    remembered = ColumnMapping.objects.filter(kind=kind.key, signature=signature(headers)).first()
    if remembered is None:
        return by_name(kind, headers), ""
    meant = remembered.mapping
    # Never half of it: a choice that fits no longer as a whole could put one thing where another belongs.
    if remembered.version != kind.version or not set(meant) <= kind.keys or not set(meant.values()) <= set(headers):
        return by_name(kind, headers), OUTDATED
    return dict(meant), ""


def by_name(kind: Kind, headers: Sequence[str]) -> Mapping:
    plain = {_plain(name): name for name in reversed(headers)}
    found: Mapping = {}
    for field in kind.columns:
        match = next((plain[word] for word in field.synonyms if word in plain), None)
        if match and match not in found.values():
            found[field.key] = match
    return found


def check(kind: Kind, mapping: Mapping, headers: Sequence[str]) -> Mapping:
    """Refuse a mapping that cannot be used; return it otherwise."""
    if not kind.is_mapped(mapping):
        raise Refused(kind.unmapped)
    for key, name in mapping.items():
        if key not in kind.keys or name not in headers:
            raise Refused("The columns have changed since you opened the page. Look at them again.")
    taken = list(mapping.values())
    if len(set(taken)) != len(taken):
        raise Refused("One column cannot mean two things.")
    return mapping


def remember(kind: Kind, headers: Sequence[str], mapping: Mapping, *, now: datetime) -> None:
    ColumnMapping.objects.update_or_create(
        kind=kind.key,
        signature=signature(headers),
        defaults={"mapping": mapping, "version": kind.version, "used_at": now},
    )


def signature(headers: Sequence[str]) -> str:
    """The same for files whose columns have the same names, in any order."""
    names = sorted(" ".join(name.casefold().split()) for name in headers)
    return hashlib.sha256("\x1f".join(names).encode()).hexdigest()


def _plain(name: str) -> str:
    return _PLAIN.sub("", unicodedata.normalize("NFKC", name).casefold())
