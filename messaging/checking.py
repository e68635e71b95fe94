"""What a content must be before anybody is asked to approve it: errors by field, in sentences."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from crisiscomms.organisation import get_organisation
from incidents import disclosure
from incidents.models import Incident
from messaging import mail, rendering
from messaging.content import CHANNELS, LIMITS, LINE_LIMIT, LINES_LIMIT, PARTS, Content
from messaging.models import Message
from stakeholders.models import Account

# Characters that could break a header or hide text; refused at entry (faults, I5).
CONTROLS = {chr(code) for code in range(32)} - {"\n", "\r", "\t"} | {"\x7f", "\x85", "\u2028", "\u2029"}
# Invisible signs that turn the text around. Right-to-left writing does not need them.
CONTROLS |= {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}

NEXT_UPDATE = re.compile(r"\{\{-?\s*next_update_at\b")


USES_PRODUCTS = re.compile(r"\{\{\s*products\b(?!\s*\|\s*default)")
ASKS_PRODUCTS = re.compile(r"\{%\s*(?:if|unless)\s+products\b")
NO_PRODUCTS = (
    "The text names {{ products }}, and some who get it use no affected product: they would read a gap. Name a "
    "component in the incident and send it only to accounts that use an affected product, or take the field out."
)


def faults_of_text(content: Content) -> dict[str, str]:
    """Faults that refuse even saving a version: what could never be rendered. Field → sentence."""
    return dict(_text_faults(content))


def _text_faults(content: Content) -> Iterator[tuple[str, str]]:
    for name, limit in LIMITS.items():
        value = getattr(content, name)
        if len(value) > limit:
            yield name, f"This is longer than {limit} characters. Shorten it."
        elif CONTROLS & set(value):
            yield name, "This holds a control character. Delete it and type it anew."
    if set("\r\n\t") & set(content.subject + content.public_title):
        yield "subject", "A subject and a title are one line each."
    yield from _template_faults(content)


def _template_faults(content: Content) -> Iterator[tuple[str, str]]:
    per_person = {"subject": "The subject", **{name: label.split(":")[0] for name, label in PARTS.items()}}
    for name, where in per_person.items():
        yield from _try(name, where, getattr(content, name), tuple(rendering.FIELDS), block=name != "subject")
    for name, where in {"public_title": "The public title", "public_body": "The public text"}.items():
        yield from _try(
            name, where, getattr(content, name), tuple(rendering.INCIDENT_FIELDS), block=name == "public_body"
        )
    lines = content.say + [text for item in content.dont_say for text in item.values()]
    if len(lines) > LINES_LIMIT * 2 or any(len(line) > LINE_LIMIT for line in lines):
        yield "say", f"At most {LINES_LIMIT} talking points of {LINE_LIMIT} characters."
    if any(CONTROLS & set(line) for line in lines):
        yield "say", "A talking point holds a control character. Delete it and type it anew."
    for line in lines:
        yield from _try("say", "A talking point", line, tuple(rendering.INCIDENT_FIELDS), block=False)


def _try(name: str, where: str, source: str, allowed: tuple[str, ...], *, block: bool) -> Iterator[tuple[str, str]]:
    try:
        rendering.check(source, where=where, allowed=allowed)
        if block:
            rendering.compile_block(source, where)
    except rendering.BadTemplate as fault:
        yield name, str(fault)


def faults_for_approval(content: Content, incident: Incident, now: datetime, kind: str) -> dict[str, str]:
    """Everything that keeps a message from being sent for approval. Field → sentence."""
    faults = faults_of_text(content)
    for name, sentence in _approval_faults(content, incident, now, kind):
        faults.setdefault(name, sentence)
    return faults


def _approval_faults(content: Content, incident: Incident, now: datetime, kind: str) -> Iterator[tuple[str, str]]:
    yield from _choice_faults(content)
    yield from _closed_faults(content, incident)
    if "email" in content.channels and not content.subject.strip():
        yield "subject", "An e-mail needs a subject."
    if {"status", "portal"} & set(content.channels):
        yield from _public_faults(content, incident)
    missing = content.missing_parts()
    if len(missing) == len(PARTS):
        yield "recognize", "There is no text yet."
    elif missing and not content.missing_reason.strip():
        names = ", ".join(missing)
        yield "missing_reason", f"The message has no {names} part. Write it, or say why it is left out."
    yield from _whole_faults(content)
    if uses_products(content) and not (content.affected_only and content.rule_for(incident).affected):
        yield "recognize", NO_PRODUCTS
    yield from _promise_faults(content, now, kind)


def _choice_faults(content: Content) -> Iterator[tuple[str, str]]:
    if not content.channels or set(content.channels) - set(CHANNELS):
        yield "channels", "Choose at least one channel."
    if not set(content.tiers) <= {1, 2, 3} or not content.tiers:
        yield "tiers", "Choose at least one tier."
    if not content.kinds or set(content.kinds) - set(Account.Kind.values):
        yield "kinds", "Choose who gets it."


def _closed_faults(content: Content, incident: Incident) -> Iterator[tuple[str, str]]:
    """What the disclosure level leaves closed, for everybody who decides about this text."""
    for channel, why in disclosure.closed_channels(incident).items():
        if channel in content.channels:
            yield "channels", f"{CHANNELS[channel]}: {why}"


def _whole_faults(content: Content) -> Iterator[tuple[str, str]]:
    """Parts that are right each by itself may still not make one mail."""
    try:
        mail.compile_mail(content, get_organisation())
    except rendering.BadTemplate as fault:
        yield "recognize", f"The parts cannot be put together into one mail. {fault}"


def uses_products(content: Content) -> bool:
    """Whether a reader whose account uses nothing that is affected would read a gap."""
    parts = (content.subject, content.recognize, content.respond, content.rebuild)
    return any(USES_PRODUCTS.search(part) and not ASKS_PRODUCTS.search(part) for part in parts)


def _public_faults(content: Content, incident: Incident) -> Iterator[tuple[str, str]]:
    if not incident.may_be_public:
        yield "channels", "A restricted incident or an exercise cannot reach the status page or the portal."
    if "status" in content.channels and not (content.public_title.strip() and content.public_body.strip()):
        yield "public_title", "The status page and the portal need a title and a text."


def _promise_faults(content: Content, now: datetime, kind: str) -> Iterator[tuple[str, str]]:
    promise = content.next_update
    if promise is None and kind != Message.Kind.RESOLVED:
        yield "next_update_at", "Say when the next update comes. The promise becomes a deadline."
    elif promise is None and NEXT_UPDATE.search(json.dumps(content.as_data())):
        yield "next_update_at", "The text names the next update, but no time is promised. Choose one, or take it out."
    elif promise is not None and promise <= now:
        yield "next_update_at", "The promised time has passed. Choose a new one."
    elif promise is not None and promise > now + timedelta(days=30):
        yield "next_update_at", "That is more than 30 days away. Promise something sooner."
