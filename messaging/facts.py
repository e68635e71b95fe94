"""The facts that a text rests on: which they are, whether they may be said, and whether they are still so.

A draft shows the living facts. A version keeps those that its text uses (docs/adr/0014, 0024), so that an approval
binds to their words; whatever is asked later compares the two.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse

from crisiscomms.models import Role
from crisiscomms.organisation import get_organisation
from incidents.facts import Use
from incidents.models import Fact, Incident
from messaging import mail, rendering
from messaging.content import PARTS, Content, facts_of
from messaging.models import Message, MessageVersion

FIELDS = ("subject", *PARTS, "public_title", "public_body")
# Typed out instead of inserted: shorter values stand in many texts by chance.
LONG_ENOUGH = 8
RANK = {Fact.Confidence.UNKNOWN: 0, Fact.Confidence.BELIEVED: 1, Fact.Confidence.CONFIRMED: 2}
Said = dict[str, Any]


def texts_of(content: Content) -> list[tuple[str, str]]:
    """Every text with the field that it stands in."""
    lines = [("say", line) for line in content.say]
    lines += [("dont_say", text) for item in content.dont_say for text in item.values()]
    return [(name, getattr(content, name)) for name in FIELDS] + lines


def keys_in(content: Content) -> set[str]:
    return {key for _, text in texts_of(content) for key in rendering.fact_keys(text)}


def frozen(content: Content, incident: Incident) -> dict[str, Any]:
    """What the incident is, with the facts that this text uses as they are said now."""
    known = facts_of(incident)
    said, used = known.pop("facts"), keys_in(content)
    kept = {key: said[key] for key in sorted(used) if key in said}
    return {**known, "facts": kept} if kept else known


def said_in(content: Content) -> dict[str, Said]:
    """Of a frozen content: key → what it says."""
    found: dict[str, Said] = content.facts.get("facts", {})
    return found


def spells_out(content: Content, fact: Fact) -> bool:
    """Whether the value stands in the text letter by letter, not as a field."""
    return any(_spells(text, fact) for _, text in texts_of(content))


def _spells(text: str, fact: Fact) -> bool:
    return len(fact.value) >= LONG_ENOUGH and fact.value.casefold() in text.casefold()


def uses(content: Content, fact: Fact, now: datetime) -> bool:
    return fact.key in said_in(content) or (fact.is_embargoed(now) and spells_out(content, fact))


# May it be said


def why_not(content: Content, incident: Incident, now: datetime, *, has_begun: bool = False) -> str:
    """A sentence that says why this frozen content may not be said now, or an empty text.

    What has begun to leave goes on when a fact changes; under an embargo nothing goes on.
    """
    said = said_in(content)
    living = incident.facts.filter(Q(key__in=said) | Q(embargo_until__gt=now))  # type: ignore[attr-defined]
    for fact in living:
        if fact.is_embargoed(now) and (fact.key in said or spells_out(content, fact)):
            return embargo_words(fact)
        if not has_begun and fact.key in said and is_other(said[fact.key], fact):
            return f"{reason_of(fact, now)} Press “Change the text”, look at it, and have it approved again."
    return ""


def is_other(said: Said, fact: Fact) -> bool:
    """Whether what was said is not so any more, or less sure. Confirmed since is no reason to say it anew."""
    return said["value"] != fact.value or RANK[Fact.Confidence(fact.confidence)] < RANK[said["confidence"]]


def embargo_words(fact: Fact) -> str:
    assert fact.embargo_until is not None
    until = mail.moment_words(fact.embargo_until, get_organisation().time_zone)
    return f"The fact “{fact.label}” is embargoed until {until}. Wait until then, or take it out."


def reason_of(fact: Fact, now: datetime) -> str:
    """What happened to it, without what it says: this stands in mails and records too."""
    if fact.is_embargoed(now):
        return f"The fact “{fact.label}” was put under an embargo."
    if not fact.is_known:
        return f"The fact “{fact.label}” was withdrawn."
    return f"The fact “{fact.label}” was changed."


# Checks while writing


def faults(content: Content, incident: Incident, now: datetime, kind: str) -> Iterator[tuple[str, str]]:
    """What keeps a text from being sent for approval: (field, sentence)."""
    living = _living(content, incident, now)
    for name, text in texts_of(content):
        for key in sorted(rendering.fact_keys(text)):
            sentence = _fault(key, living.get(key), now, kind)
            if sentence:
                yield name, sentence
        for fact in living.values():
            if fact.is_embargoed(now) and _spells(text, fact):
                yield name, embargo_words(fact)


def _living(content: Content, incident: Incident, now: datetime) -> dict[str, Fact]:
    mattering = Q(key__in=keys_in(content)) | Q(embargo_until__gt=now) | Q(confidence=Fact.Confidence.BELIEVED)
    return {fact.key: fact for fact in incident.facts.filter(mattering)}  # type: ignore[attr-defined]


def _fault(key: str, fact: Fact | None, now: datetime, kind: str) -> str:
    if fact is None:
        return f"There is no fact “{key}” on the fact sheet. Choose one of the chips, or add it there."
    if fact.withdrawn_at is not None:
        return f"The fact “{fact.label}” was withdrawn. Take it out of the text."
    if not fact.is_known:
        return f"The fact “{fact.label}” is not known yet. Find it out, or take it out of the text."
    if fact.is_embargoed(now):
        return embargo_words(fact)
    if kind == Message.Kind.RESOLVED and fact.confidence == Fact.Confidence.BELIEVED:
        return f"“{fact.label}” is only believed. An explanation rests on confirmed facts: have it confirmed first."
    return ""


def remarks(content: Content, incident: Incident, now: datetime) -> list[tuple[str, str]]:
    """What a writer should know and approvers will see; it stops nothing: (field, sentence)."""
    found: dict[str, tuple[str, str]] = {}
    unsure = [one for one in _living(content, incident, now).values() if one.confidence == Fact.Confidence.BELIEVED]
    for name, text in texts_of(content):
        for fact in unsure:
            if fact.key in rendering.fact_keys(text) or _spells(text, fact):
                found.setdefault(fact.key, (name, _unsure(fact)))
    return list(found.values())


def _unsure(fact: Fact) -> str:
    who = f", or ask {Role(fact.role).label} to confirm it" if fact.role else ", or have it confirmed"
    return f"Rests on “{fact.label}”, which is only believed. Say “we believe”{who}."


# Out of date


def out_of_date(messages: Iterable[Message], incident: Incident) -> dict[int, list[Fact]]:
    """Drafts whose text was written about what a fact said before: message → facts that changed.

    Against the version kept last; a text of which none was kept yet against the time when it was last written.
    """
    changed = {fact.key: fact for fact in incident.facts.exclude(changed_at=None)}  # type: ignore[attr-defined]
    drafts = [one for one in messages if one.state == Message.State.DRAFT] if changed else []
    using = {one: keys_in(Content.from_data(one.working)) & set(changed) for one in drafts}
    using = {one: keys for one, keys in using.items() if keys}
    kept = MessageVersion.objects.filter(message__in=using).order_by("message", "-number").distinct("message")
    last = {version.message_id: said_in(Content.from_data(version.content)) for version in kept}
    found = {}
    for message, keys in using.items():
        stale = [changed[key] for key in sorted(keys) if _is_stale(message, last.get(message.pk, {}), changed[key])]
        if stale:
            found[message.pk] = stale
    return found


def _is_stale(message: Message, said: dict[str, Said], fact: Fact) -> bool:
    if fact.key in said:
        return is_other(said[fact.key], fact)
    return fact.changed_at is not None and fact.changed_at > message.working_at


def uses_in_writing(incident: Incident, facts: dict[str, Fact]) -> Iterator[tuple[str, Use]]:
    """For the fact sheet: messages under way that use a fact."""
    writing = list(incident.messages.unfinished().order_by("number"))  # type: ignore[attr-defined]
    stale = out_of_date(writing, incident)
    for message in writing:
        old = {fact.key for fact in stale.get(message.pk, [])}
        url = reverse("messaging:compose", args=[message.pk])
        for key in sorted(keys_in(Content.from_data(message.working)) & set(facts)):
            yield key, Use(message.name, url, message.get_state_display().lower(), is_stale=key in old)


def chips(incident: Incident) -> list[Fact]:
    """What a text can say, for the composer."""
    return list(incident.facts.known())  # type: ignore[attr-defined]
