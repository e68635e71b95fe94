"""One person's data, wherever it is held: every house registers what it holds and how it forgets it.

`export` gives all of it. `erase` forgets what may go, says what stays and why, and leaves the record's chain, the
counts and everybody else's data whole. See docs/adr on erased people.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import idna
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from crisiscomms import audit, environment
from crisiscomms.models import AuditDetail, GivenAnswer, Role, User
from crisiscomms.refusal import Refused


@dataclass(frozen=True)
class Person:
    """Somebody outside, known by one normalised address, and their key where they are a contact.

    `typed` is the address as they or we once wrote it.
    """

    address: str
    contact_id: int | None = None
    typed: str = ""

    @property
    def subject(self) -> str:
        return f"contact:{self.contact_id}"

    @property
    def spellings(self) -> list[str]:
        """How the address may stand in a text: an international domain is written in its own letters too."""
        found = {self.address, self.typed, self.typed.lower()}
        local, _, domain = self.address.rpartition("@")
        with suppress(idna.IDNAError, UnicodeError):
            found.add(f"{local}@{idna.decode(domain)}")
        found |= {unicodedata.normalize(form, one) for one in found for form in ("NFC", "NFD")}
        return sorted(one for one in found if "@" in one)


@dataclass(frozen=True)
class Holder:
    """`held` is everything about a person, as plain data; `erase` forgets it and says how many pieces that were.

    `forgets` and `stays` are sentences for the page. `busy` says why erasing has to wait, or an empty text.
    """

    key: str
    label: str
    held: Callable[[Person], list[dict[str, Any]]]
    erase: Callable[[Person, datetime], int]
    forgets: str
    stays: str = ""
    busy: Callable[[Person], str] = lambda person: ""
    # Taken before `busy` is asked, so that no send can begin to name the person in between.
    lock: Callable[[Person], None] = lambda person: None


_holders: dict[str, Holder] = {}


def register(holder: Holder) -> None:
    _holders[holder.key] = holder


def holders() -> list[Holder]:
    return list(_holders.values())


def digest(address: str) -> str:
    """What stands in the place of an address: the same for the same person, and nobody can read it back.

    The key is the record's, which does not change: with another one a person who was erased could not be known again.
    """
    key = environment.derived_key(settings.RECORD_SIGNING_KEY, "erased")
    return "erased:" + hmac.new(key, address.encode(), hashlib.sha256).hexdigest()[:40]


def export(person: Person) -> dict[str, Any]:
    """Everything held about a person, by house."""
    return {"address": person.address, **{holder.key: holder.held(person) for holder in holders()}}


@transaction.atomic
def record_export(*, person: Person, by: User | None, now: datetime) -> None:
    require(by)
    audit.record(
        chain=audit.INSTALLATION, verb="contact.exported", subject=person.subject,
        text="Everything held about this person was taken out", by=by, now=now,
    )  # fmt: skip


@transaction.atomic
def erase(*, person: Person, by: User | None, now: datetime) -> dict[str, int]:
    """Forget a person everywhere. Refused with words while something about them is under way."""
    require(by)
    for holder in holders():
        holder.lock(person)
    reasons = [reason for reason in (holder.busy(person) for holder in holders()) if reason]
    if reasons:
        raise Refused(" ".join(reasons))
    done = {holder.label: holder.erase(person, now) for holder in holders()}
    audit.record(
        chain=audit.INSTALLATION, verb="contact.erased", subject=person.subject,
        text="This person’s data was erased", by=by, now=now, data=done,
    )  # fmt: skip
    return done


def require(by: User | None) -> None:
    """`None` is the machine's own operator, at the command line."""
    if by is not None and not by.has_role(Role.ADMINISTRATOR):
        raise Refused("Only an administrator takes out or erases a person’s data.")


def naming(person: Person, *columns: str) -> Q:
    """Rows in which one of these columns, text or JSON, names this person: their whole address and no longer one.

    A dot after it may end the sentence. In JSON a line break before it stands there as a sign and its letter.
    """
    found = Q(pk__in=[])
    for column in columns:
        for one in person.spellings:
            whole = rf"((?<![\w.+-])(?<!\w')|(?<=\\[bfnrt])){re.escape(one)}(?![\w-]|\.\w)"
            # The first condition is the cheap one.
            found |= Q(**{f"{column}__icontains": one}) & Q(**{f"{column}__iregex": whole})
    return found


def _words(person: Person) -> Any:
    about = Q(event__subject=person.subject) if person.contact_id else Q(pk__in=[])
    named = naming(person, "text", "data")
    return AuditDetail.objects.filter(about | named, erased_at=None).exclude(event__verb="contact.erased")


def _record(person: Person) -> list[dict[str, Any]]:
    found = _words(person).select_related("event").order_by("event__chain", "event__number")
    return [
        {"at": one.event.at.isoformat(), "what": one.event.verb, "words": one.text, "data": one.data} for one in found
    ]


def _answers(person: Person) -> Any:
    """What the API answered and keeps for a day: a title that a program sent may name anybody."""
    return GivenAnswer.objects.filter(body__icontains=person.address)


def _forget_answers(person: Person, now: datetime) -> int:
    return int(_answers(person).delete()[0])


register(
    Holder(
        "answers",
        "Kept answers of the API",
        lambda person: [{"at": one.created_at.isoformat(), "answer": one.body} for one in _answers(person)],
        _forget_answers,
        "What the API answered within the last day and keeps for repeated requests, where it names their address.",
    )
)
register(
    Holder(
        "record",
        "The record",
        _record,
        lambda person, now: audit.erase(_words(person).values_list("pk", flat=True), now=now),
        "The words of entries that are about this person or name their address.",
        "That something was done, when and by whom. The chain of the record still verifies.",
    )
)
