"""What deliveries bring to an incident's record: each send with its counts and one digest per batch of recipients."""

import hashlib
import hmac
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.conf import settings
from django.forms.models import model_to_dict

from crisiscomms import environment
from delivery import queries
from delivery.models import Dispatch, Notification
from incidents.models import Incident
from incidents.record import documents
from incidents.record import parts as record_parts
from incidents.record.documents import Document
from incidents.record.parts import Part, Table, moment, person

BATCH = 1000
HEAD = [
    *("message", "channel", "address", "account", "tier", "state", "reason", "attempts", "possibly twice"),
    "ended at (UTC)",
]


def _dispatches(incident: Incident) -> list[dict[str, Any]]:
    found = incident.dispatches.select_related("message", "version", "ordered_by", "tally").order_by("pk")
    return [
        {
            "message": one.message.name,
            "version": one.version.number,
            "channel": str(one.get_channel_display()),
            "state": str(one.get_state_display()),
            "ordered_by": person(one.ordered_by),
            "ordered_at": moment(one.ordered_at),
            "released_at": moment(one.released_at),
            "first_left_at": moment(one.left_at),
            "finished_at": moment(one.finished_at),
            "why": one.why,
            "fingerprint": one.fingerprint,
            "sent_as": one.content,
            "counts": {name: count for name, count in model_to_dict(one.tally).items() if name != "dispatch"},
            "recipients_forgotten_at": moment(one.recipients_forgotten_at),
        }
        for one in found
    ]


def _batches(incident: Incident) -> list[dict[str, Any]]:
    """One keyed digest per batch: it says that a list is the one of then, and tells nobody who stands in it."""
    return [
        {
            "message": dispatch.message.name,
            "channel": str(dispatch.get_channel_display()),
            "batch": number,
            "recipients": count,
            "digest": digest,
        }
        for dispatch in _of(incident)
        for number, (count, digest) in enumerate(_digests(dispatch), start=1)
    ]


def _of(incident: Incident) -> Any:
    return incident.dispatches.select_related("message").order_by("pk")


def _digests(dispatch: Dispatch) -> Iterator[tuple[int, str]]:
    key = environment.derived_key(settings.RECORD_SIGNING_KEY, "recipients")
    rows = _lines(dispatch)
    while batch := list(islice(rows, BATCH)):
        words = "\n".join("\x1f".join(row) for row in batch)
        yield len(batch), hmac.new(key, words.encode(), hashlib.sha256).hexdigest()


def _lines(dispatch: Dispatch) -> Iterator[list[str]]:
    rows = queries.rows_for_export(dispatch)
    next(rows)  # its own headings
    yield from rows


def _rows(incident: Incident) -> Iterator[list[str]]:
    for dispatch in _of(incident):
        for row in _lines(dispatch):
            yield [dispatch.message.name, str(dispatch.get_channel_display()), *row]


def _count(incident: Incident) -> int:
    return Notification.objects.filter(dispatch__incident=incident).count()


record_parts.register(Part("dispatches", "What was sent, and what became of it", _dispatches, 300))
record_parts.register(
    Part(
        "batches",
        "Recipients, as digests",
        _batches,
        310,
        "Whom each mail went to stands in parts/recipients.csv, unless it was left out.",
    )
)
record_parts.register(Table("recipients", "Every recipient, and what became of it", HEAD, _rows, _count))


def _first_word_left(incident: Incident) -> bool:
    return incident.dispatches.filter(left_at__isnull=False).exists()


def _all_settled(incident: Incident) -> bool:
    """Something left, and of no mail it is open any more what became of it."""
    tallies = [one.tally for one in incident.dispatches.select_related("tally")]
    return bool(tallies) and not any(tally.waiting or tally.unknown for tally in tallies)


documents.register(Document("acknowledgement_sent", "The first word to customers, sent", _first_word_left))
documents.register(
    Document("resolved_sent", "The message that it is resolved, sent", queries.resolved_message_went_out)
)
documents.register(Document("deliveries_settled", "What became of every mail", _all_settled))
