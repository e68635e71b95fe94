"""What only the installation can tell of an archive that it signed: whether its chain was true, and what was lost since."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from crisiscomms import audit
from crisiscomms.audit import Head
from crisiscomms.models import AuditEvent
from incidents.record.verifying import Report
from incidents.record.writing import opaque

MOST_SAID = 20


def compare(report: Report) -> Iterator[str]:
    """In sentences: what the chain's keyed digests, and the database as it is now, say against the archive."""
    chain = report.parts.get("parts/chain.json")
    events = chain.get("events", []) if isinstance(chain, dict) else []
    name = str(report.manifest["chain"].get("chain"))
    for place, fault in enumerate((*_keyed(name, events), *_here(name, events), *_anchors(report, name))):
        if place == MOST_SAID:
            yield "There is more of this sort."
            return
        yield fault


def _keyed(name: str, events: list[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        try:
            digest, words = _digests(name, event)
        except (KeyError, TypeError, ValueError):
            yield f"Event {event.get('number')} of {name} is not written as an event is."
            continue
        if digest != event["digest"]:
            yield f"Event {event['number']} of {name} was changed before the record was taken out."
        elif event["erased_at"] is None and words != event["detail_digest"]:
            yield f"The words of event {event['number']} of {name} were changed before the record was taken out."


def _digests(name: str, event: dict[str, Any]) -> tuple[str, str]:
    made = AuditEvent(
        chain=name,
        number=event["number"],
        at=datetime.fromisoformat(event["at"]),
        actor_id=event["actor"],
        verb=event["verb"],
        subject=event["subject"],
        publishable=event["publishable"],
        detail_digest=bytes.fromhex(event["detail_digest"]),
        previous=bytes.fromhex(event["previous"]),
    )
    return audit.digest_of(made).hex(), audit.digest_of_words(event["text"], event["data"]).hex()


def _here(name: str, events: list[dict[str, Any]]) -> Iterator[str]:
    """Each event of the archive against the one of the same number here. Words erased here since are no fault."""
    kept = {
        one.number: one for one in AuditEvent.objects.filter(chain=name).select_related("detail").order_by("number")
    }
    last = max(kept, default=0)
    if events and events[-1]["number"] > last:
        yield f"The end of {name} was cut off here: the archive has {events[-1]['number']} events, the database {last}."
    for event in events:
        here = kept.get(event["number"])
        if here is None:
            if event["number"] < last:
                yield f"Event {event['number']} of {name} is in the archive and missing in the database."
        elif bytes(here.digest).hex() != event["digest"]:
            yield f"Event {event['number']} of {name} in the database is another one than in the archive."
        elif here.detail.erased_at is None and event["erased_at"] is None and here.detail.text != event["text"]:
            yield f"The words of event {event['number']} of {name} in the database are others than in the archive."
    yield from (f"In the database: {fault}" for fault in audit.faults(name))


def _anchors(report: Report, name: str) -> Iterator[str]:
    """How far every chain had come when the archive was made: none may have become shorter since."""
    heads, gone = _resolved(report.manifest.get("anchors", []))
    yield from _gone(gone)
    yield from audit.lost(head for head in heads if head.chain != name)


def against_anchors(anchors: list[dict[str, Any]]) -> Iterator[str]:
    """In sentences: which chain is no longer as these anchors from outside knew it, or is not whole.

    An end that is as it was proves nothing if what leads to it was changed, so every chain is read.
    """
    heads, gone = _resolved(anchors)
    by_chain: dict[str, list[Head]] = {}
    for head in heads:
        by_chain.setdefault(head.chain, []).append(head)
    faults = (fault for chain, known in sorted(by_chain.items()) for fault in audit.faults(chain, anchors=known))
    for place, fault in enumerate((*_gone(gone), *islice(faults, MOST_SAID + 1))):
        if place == MOST_SAID:
            yield "There is more of this sort."
            return
        yield fault


def _resolved(anchors: list[dict[str, Any]]) -> tuple[list[Head], int]:
    """Heads by the names of chains that are here, and how many chains are not."""
    known = {opaque(chain): chain for chain in AuditEvent.objects.values_list("chain", flat=True).distinct().order_by()}
    here = [one for one in anchors if one["chain"] in known]
    heads = [Head(known[one["chain"]], one["number"], one["digest"]) for one in here]
    return heads, len(anchors) - len(here)


def _gone(count: int) -> Iterator[str]:
    if count:
        words = "chain of the record that there was then" if count == 1 else "chains of the record that there were then"
        yield f"{count} {words} cannot be found any more."
