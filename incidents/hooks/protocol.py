"""What the protocols have in common: a delivery, its proof, and what was noticed."""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from crisiscomms.forms import HIDDEN_SIGNS
from incidents.noticing import vocabulary
from incidents.noticing.vocabulary import Value

# A signed moment further away than this is a replay, or a clock that is wrong.
FRESH = timedelta(minutes=5)
# What a signed body says to have happened longer ago is no news; receipts are kept a day longer than this.
NEWS = timedelta(days=3)
MOST_AT_ONCE = 1_000


class Unproven(Exception):
    """The sender has not shown who they are. The words are for administrators; the sender is not told."""


class Unreadable(Exception):
    """It is proven, and not of the shape that it should have. The words are fit for the sender."""


@dataclass(frozen=True)
class Delivery:
    """One knock, as it came. `secrets` are those that count now, none of them empty."""

    headers: Mapping[str, str]
    raw: bytes
    secrets: tuple[str, ...]
    now: datetime


@dataclass(frozen=True)
class Noticed:
    """One thing that was noticed. `at` is when, by the sender's words; `same` is what repeats have in common.

    `knew_until` is up to when the sender knew what went on when it said this, where that is not `at`: an end says
    nothing about what began after it, however late it comes.
    """

    title: str
    same: str
    at: datetime
    is_over: bool = False
    text: str = ""
    link: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    knew_until: datetime | None = None

    @property
    def told_at(self) -> datetime:
        return self.knew_until or self.at

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.same.encode()).hexdigest()


@dataclass(frozen=True)
class Protocol:
    """`prove` raises Unproven; `id_of` names a delivery, or is empty; `read` raises Unreadable.

    `makes_secret` says who thinks the secret up: we, or the other side, which shows it once.
    """

    prove: Callable[[Delivery], None]
    id_of: Callable[[Delivery, Any], str]
    read: Callable[[Delivery, Any], list[Noticed]]
    makes_secret: bool
    needs_secret: bool = True


def is_signed(given: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether any of the given signatures is one of those wanted. All are compared, each in constant time."""
    known = [one.encode() for one in wanted]
    found = [hmac.compare_digest(one.encode("utf-8", "replace"), each) for one in given for each in known]
    return any(found)


def hex_digest(secret: str, raw: bytes) -> str:
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def is_fresh(moment: datetime, now: datetime) -> bool:
    return abs(now - moment) <= FRESH


def from_seconds(text: str) -> datetime | None:
    """A moment from seconds, or thousandths of them, since 1970; None when it is no such number."""
    if not text.isascii() or not text.isdigit() or len(text) > 13:
        return None
    number = int(text)
    return datetime.fromtimestamp(number / 1000 if number > 10**11 else number, tz=UTC)


def moment(value: Any, now: datetime) -> datetime:
    """When it happened, by their words; now where they say nothing, or what cannot be."""
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not 2000 <= found.year <= 2100:
        return now
    return min(found.astimezone(UTC), now)


def line(value: Any, most: int = 160) -> str:
    """One line that can stand in a title: what would break or disguise one is taken out (faults, I5)."""
    text = " ".join(HIDDEN_SIGNS.sub(" ", value if isinstance(value, str) else "").split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def address(value: Any) -> str:
    """An address that a page may link to, or nothing."""
    text = line(value, 500)
    return text if text.startswith(("https://", "http://")) and " " not in text and "…" not in text else ""


def part(value: Any, *path: str) -> Any:
    """What stands at this place of a JSON value; None where there is no such place."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def table(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable(f"{what} has to be an object.")
    return value


def values(*parts: Any) -> dict[str, Value]:
    """Named numbers and words out of flat objects; later parts win."""
    found: dict[str, Value] = {}
    for one in parts:
        for name, value in one.items() if isinstance(one, dict) else ():
            read = vocabulary.value_of(str(name), value)
            if read is not None and len(found) < vocabulary.MOST_VALUES:
                found[vocabulary.name_of(str(name))] = read
    found.pop("", None)
    return found
