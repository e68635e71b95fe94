"""Anchors outside: made when their hour has come, and whether they got out. Delivery mails them."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

from crisiscomms import audit, notices, signing
from crisiscomms.models import Policy, Role, User
from incidents.models import Anchor, AnchorMail
from incidents.record import anchored, documents
from incidents.record.parts import moment
from incidents.record.writing import opaque, version

# One at a time, whoever knocks.
TURN = "anchors outside"
KEPT = timedelta(days=90)
# A mail may take a while; after this somebody has to look.
GRACE = timedelta(hours=3)


@dataclass(frozen=True)
class Standing:
    """Of one address: when the last one got out to it, and whether the next one is overdue."""

    address: str
    last_sent: datetime | None
    is_late: bool


def addresses() -> list[str]:
    found: list[str] = documents.rules().get("anchor_addresses", [])
    return found


def every() -> timedelta:
    return timedelta(hours=int(documents.rules().get("anchor_every_hours", 24)))


@transaction.atomic
def make_due(*, now: datetime) -> Anchor | None:
    """Write down the ends of all chains for every address, once in each period. Safe to repeat, and for two at once."""
    to = addresses()
    if not to:
        return None
    # Whoever knocked at the same instant waits here, and then finds it made.
    audit.hold(TURN)
    last = Anchor.objects.first()
    if last is not None and now < last.at + every():
        return None
    anchor = _make(last, now)
    AnchorMail.objects.bulk_create([AnchorMail(anchor=anchor, address=one, next_attempt_at=now) for one in to])
    text = (
        f"The ends of all {anchor.chains} chains were made ready to go out, number {anchor.number}, to {', '.join(to)}"
    )
    audit.record(
        chain=audit.INSTALLATION, verb="anchors.made", subject=f"anchors:{anchor.number}", text=text, by=None, now=now
    )
    Anchor.objects.filter(at__lt=now - KEPT).delete()
    return anchor


def _make(last: Anchor | None, now: datetime) -> Anchor:
    heads = sorted(audit.heads(), key=lambda one: opaque(one.chain))
    statement = {
        "format": anchored.FORMAT,
        "number": last.number + 1 if last else 1,
        "at": moment(now),
        "software": {"name": "Crisis Comms", "version": version()},
        # Who holds two that follow each other sees that none was between them.
        "previous": hashlib.sha256(last.file.encode()).hexdigest() if last else "",
        "chains": [{**asdict(head), "chain": opaque(head.chain)} for head in heads],
    }
    raw = anchored.file(statement, signing.public_key(), signing.sign(anchored.to_sign(statement)))
    return Anchor.objects.create(number=statement["number"], at=now, chains=len(heads), file=raw.decode())


def standings(now: datetime) -> list[Standing]:
    """Of each address that the policy names."""
    to = addresses()
    sent = dict(
        AnchorMail.objects.filter(address__in=to, state=AnchorMail.State.SENT)
        .values_list("address").annotate(last=Max("sent_at")).order_by()
    )  # fmt: skip
    since = Policy.objects.filter(key="documents").aggregate(last=Max("changed_at"))["last"]
    limit = every() + GRACE
    return [Standing(one, sent.get(one), now > max(filter(None, [sent.get(one), since])) + limit) for one in to]


def note_given_up(mail: AnchorMail, *, now: datetime) -> None:
    """Administrators hear of it: nobody else would miss what did not arrive."""
    people = User.objects.with_role(Role.ADMINISTRATOR)
    notices.tell(people, kind="anchor_failed", key=str(mail.pk), now=now, mail=mail.pk)
