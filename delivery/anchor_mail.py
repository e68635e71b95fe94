"""Anchors of the record leave from here: claimed, handed over to the mail server, tried again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import F, QuerySet

from crisiscomms import leaving, signing
from crisiscomms.models import Organisation
from crisiscomms.organisation import get_organisation
from delivery.channels import ChannelError
from delivery.channels import email as door
from delivery.channels.mime import wire_address
from delivery.channels.smtp import Envelope, Result
from incidents.models import AnchorMail
from incidents.record import anchors

log = structlog.get_logger("crisiscomms.delivery")
LEASE = timedelta(seconds=60)
# Over most of a day: a mailbox outside may be down for a night.
GAPS = [60, 300, 900, 3600, 4 * 3600, 8 * 3600]
# As many as there are gaps behind a try, and the last; more of them were killed in the middle.
MOST_ATTEMPTS = len(GAPS) + 1
SILENT = "The mail server does not answer."
State = AnchorMail.State
WORDS = """\
Attached are the ends of the {chains} of the record of {organisation}, as they were on {at:%d %B %Y at %H:%M} UTC.
Whoever cuts off the end of a record later, or writes it anew, cannot cut or change this mail as well.

Keep it where nobody who runs the installation can reach it. The next one comes by {following:%d %B %Y, %H:%M} UTC.
If none comes, ask why. They are numbered: this is number {number}.

To check the record, give the attachment or this whole mail, saved as a file, to whoever runs the installation:

    manage.py verify_record --anchors FILE

It says whether every chain is still at least as long and its end as it was, or names what was cut off or changed.

Signed (Ed25519) by the key with this fingerprint. Compare it once by another way:

    {fingerprint}
"""


def send_due(*, now: Callable[[], datetime]) -> int:
    """Send what is due; returns how many were looked at. Any number of workers may do this."""
    total = 0
    while not leaving.is_asked() and (mail := _claim(now())) is not None:
        total += 1
        if not _send(mail, now()):
            break
    return total


@transaction.atomic
def _claim(now: datetime) -> AnchorMail | None:
    """On the row's own columns only: of two workers one gets it. When its time passes without a result, it is due again."""
    mail = AnchorMail.objects.select_for_update(skip_locked=True).due(now).order_by("next_attempt_at").first()
    if mail is None:
        return None
    AnchorMail.objects.filter(pk=mail.pk).update(
        state=State.CLAIMED, next_attempt_at=now + LEASE, attempts=F("attempts") + 1
    )
    return AnchorMail.objects.select_related("anchor").get(pk=mail.pk)


def _send(mail: AnchorMail, now: datetime) -> bool:
    """Whether the mail server can be asked for the next one."""
    if mail.address not in anchors.addresses():
        # Nobody has to be told: somebody decided so.
        _ours(mail).update(state=State.FAILED, next_attempt_at=None, last_error="The policy does not name it any more.")
        return True
    if mail.attempts > MOST_ATTEMPTS:
        _end(mail, State.FAILED, now, "It was begun several times and never came to its end.")
        return True
    try:
        envelope = _envelope(mail, get_organisation(), now)
        for result in door.session().send_many([envelope]):
            _note(mail, result, now)
    except ChannelError as error:
        _again(mail, error.text or SILENT, now)
        return False
    except SoftTimeLimitExceeded:
        _again(mail, SILENT, now)
        raise
    except Exception as fault:
        log.exception("anchors not made", number=mail.anchor.number)
        _again(mail, f"The mail could not be made: {fault}", now)
    return True


def _envelope(mail: AnchorMail, organisation: Organisation, now: datetime) -> Envelope:
    anchor, sender = mail.anchor, door.sender_address(organisation)
    name, chains = " ".join(organisation.name.split()), f"{anchor.chains} chain{'s' if anchor.chains != 1 else ''}"
    made = EmailMessage(policy=SMTP)
    made["From"] = Address(name, addr_spec=wire_address(sender, field="From"))
    made["To"] = Address(addr_spec=wire_address(mail.address))
    made["Subject"] = f"{name}: anchors of the record, number {anchor.number}"
    made["Date"] = format_datetime(now)
    # The same one on every try: who gets it twice sees that it is one.
    made["Message-ID"] = door.message_id(f"anchors.{anchor.number}.{mail.pk}", sender)
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(
        WORDS.format(
            chains=chains, organisation=name, at=anchor.at, number=anchor.number,
            following=anchor.at + anchors.every() + anchors.GRACE, fingerprint=signing.fingerprint(),
        )
    )  # fmt: skip
    made.add_attachment(
        anchor.file.encode(), maintype="application", subtype="json", filename=f"anchors-{anchor.number}.json"
    )
    return Envelope(sender, mail.address, made.as_bytes(), mail.pk)


def _note(mail: AnchorMail, result: Result, now: datetime) -> None:
    if result.outcome == "sent":
        _end(mail, State.SENT, now)
    elif result.outcome == "failed":
        _end(mail, State.FAILED, now, result.text)
    else:
        # Unknown, too: the same anchors twice do no harm.
        _again(mail, result.text, now)


def _again(mail: AnchorMail, why: str, now: datetime) -> None:
    if mail.attempts >= MOST_ATTEMPTS:
        _end(mail, State.FAILED, now, why)
        return
    _ours(mail).update(
        state=State.QUEUED, next_attempt_at=now + timedelta(seconds=GAPS[mail.attempts - 1]), last_error=why[:300]
    )


@transaction.atomic
def _end(mail: AnchorMail, state: str, now: datetime, error: str = "") -> None:
    ended = _ours(mail).update(
        state=state, next_attempt_at=None, sent_at=now if state == State.SENT else None, last_error=error[:300]
    )
    if ended and state == State.FAILED:
        anchors.note_given_up(mail, now=now)


def _ours(mail: AnchorMail) -> QuerySet[AnchorMail]:
    """Unless its time passed and somebody else has it now."""
    return AnchorMail.objects.filter(pk=mail.pk, state=State.CLAIMED, attempts=mail.attempts)
