"""By which way each person is told: their choice, by how urgent it is. The bell shows everything in any case."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import Credential, NoticeChoice, User
from crisiscomms.models.ways import AT_ONCE, IN_CHAT, Way
from crisiscomms.refusal import Refused

# urgent: somebody has to act now. quiet: nobody has to do anything, it may wait for the digest.
Urgency = Literal["urgent", "normal", "quiet"]
# The kind of integration whose secret is the address of the team's chat.
CHAT = "chat_webhook"


def has_chat() -> bool:
    return Credential.objects.filter(kind=CHAT).exists()


def choice_of(person: User) -> NoticeChoice:
    """What they chose, or what counts until they do (then it has no key)."""
    return NoticeChoice.objects.filter(person=person).first() or NoticeChoice(person=person)


def choices_of(people: Iterable[User]) -> dict[int, NoticeChoice]:
    """The choice of each, by the person's key."""
    wanted = {person.pk: person for person in people}
    found = {choice.person_id: choice for choice in NoticeChoice.objects.filter(person__in=wanted)}
    return {pk: found.get(pk) or NoticeChoice(person=person) for pk, person in wanted.items()}


def way_of(choice: NoticeChoice, urgency: Urgency, *, with_chat: bool) -> Way:
    """The way that counts now: as long as no chat is connected, a mail stands in for it."""
    way = Way(getattr(choice, urgency))
    return Way.MAIL if way in IN_CHAT and not with_chat else way


@transaction.atomic
def choose(
    *, person: User, urgent: str, normal: str, quiet: str, chat_name: str, is_daily: bool, now: datetime
) -> NoticeChoice:
    """What a person says about how they are told. Whoever asked for a daily digest before keeps the day it began."""
    ways = [Way(way) for way in (urgent, normal, quiet)]
    if ways[0] not in AT_ONCE:
        raise Refused("What needs you now has to reach you at once, in one way at least.")
    if not chat_name and any(way in IN_CHAT for way in ways):
        raise Refused("Give your name in the chat, so that a line there calls you.")
    before = choice_of(person)
    since = (before.daily_since or now) if is_daily else None
    choice, _ = NoticeChoice.objects.update_or_create(
        person=person,
        defaults={"urgent": urgent, "normal": normal, "quiet": quiet, "chat_name": chat_name, "daily_since": since},
    )
    told = ", ".join(
        f"{name} {way.label.lower()}" for name, way in zip(("urgent", "normal", "quiet"), ways, strict=True)
    )
    audit.record(
        chain=audit.INSTALLATION, verb="person.chose_notices", subject=f"person:{person.pk}",
        text=f"{person.name} chose how to be told: {told}", by=person, now=now,
    )  # fmt: skip
    return choice
