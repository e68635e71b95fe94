"""One worker's run over a dispatch: claim, render, hand over, record. Called by tasks, never by views."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, close_old_connections

from crisiscomms import clock, leaving, outages, policy
from crisiscomms.models import Organisation
from crisiscomms.organisation import get_organisation
from crisiscomms.refusal import Conflict
from delivery import authority, claims
from delivery.actions import stop_dispatch
from delivery.channels import ChannelError, PermanentError
from delivery.channels import email as door
from delivery.channels.mime import Pieces, Skeleton
from delivery.channels.smtp import Envelope, Result
from delivery.claims import Claim, Claimed, Outcome
from delivery.models import Dispatch, Tally
from messaging import mail
from messaging.content import Content
from messaging.rendering import BadTemplate
from messaging.splicing import Cut, Shape, Spliced, Whole, shape_of

log = structlog.get_logger("crisiscomms.delivery")
T = TypeVar("T")
LOOK_AGAIN_SECONDS = 0.1
SMALLEST_BATCH = 200
# Mails begun together. With the two before them, whose answers are still coming, at most 25 are in doubt at a kill.
GROUP = 23
# Outcomes are written to their rows so many at once, or when they are this old: the progress page shows the rows.
WRITE_BACK, WRITE_BACK_SECONDS = 200, 1


@dataclass
class Batch:
    """What all mails of a dispatch share: parsed and prepared once."""

    dispatch: Dispatch
    organisation: Organisation
    content: Content
    compiled: mail.CompiledMail
    skeleton: Skeleton
    rules: dict[str, Any]
    sender: str
    by_zone: dict[str, mail.ForMany] = field(default_factory=dict)
    encoded: dict[Cut, Pieces] = field(default_factory=dict)

    def forms(self, zone: str) -> mail.ForMany:
        """How to fill this mail for somebody in a time zone."""
        if zone not in self.by_zone:
            shared = mail.incident_values(self.dispatch.incident, self.content, zone)
            self.by_zone[zone] = self.compiled.for_many(shared)
        return self.by_zone[zone]

    def envelope(self, row: Claimed, now: datetime) -> Envelope:
        """The whole mail for one person. Raises ValueError: only that person fails."""
        url = door.unsubscribe_url(row.contact_id)
        own = mail.person_values({**row.merge, "unsubscribe_url": url})
        forms, shape = self.forms(row.merge.get("time_zone") or self.organisation.time_zone), shape_of(own)
        name = mail.straight(f"{row.merge.get('first_name', '')} {row.merge.get('last_name', '')}".strip())
        key = f"{self.dispatch.uid.hex}.{row.id}"
        data = self.skeleton.build(
            to_address=row.address,
            to_name=name,
            subject=forms.subject.fill(own, shape),
            text=self._body(forms.text, own, shape),
            html=self._body(forms.html, own, shape),
            message_id=door.message_id(key, self.sender),
            list_unsubscribe_url=url,
            date=now,
        )
        return Envelope(self.sender, row.address, data, row)

    def _body(self, form: Spliced | Whole, own: Mapping[str, str], shape: Shape) -> str | bytes:
        if isinstance(form, Whole):
            return form.fill(own)
        cut, values = form.parts(own, shape)
        pieces = self.encoded.get(cut)
        if pieces is None:
            pieces = self.encoded[cut] = Pieces(cut.literals)
        return pieces.fill(values)


def prepare(dispatch_id: int) -> Batch | None:
    """Load and parse once per run; None when the dispatch is not running."""
    dispatch = _running(dispatch_id)
    if dispatch is None:
        return None
    organisation = get_organisation()
    content = Content.from_data(dispatch.content)
    return Batch(
        dispatch,
        organisation,
        content,
        mail.compile_mail(content, organisation),
        door.skeleton(organisation),
        policy.current("delivery"),
        door.sender_address(organisation),
    )


def _running(dispatch_id: int, known: Dispatch | None = None) -> Dispatch | None:
    """As it is now. Asked before every batch, so it reads what can have changed: versions never do, and those
    of the `known` dispatch serve again. What was approved is in the dispatch itself.
    """
    running = Dispatch.objects.filter(state=Dispatch.State.RUNNING, channel=Dispatch.Channel.EMAIL)
    related = running.select_related("incident", "message", "request").defer("message__working")
    dispatch = related.filter(pk=dispatch_id).first()
    if dispatch and known and (known.version_id, known.request_id) == (dispatch.version_id, dispatch.request_id):
        dispatch.version, dispatch.request.version = known.version, known.request.version
    return dispatch


def work(*, dispatch_id: int, seconds: float = 45, now: Callable[[], datetime] = clock.now) -> bool:
    """Send what is due of a dispatch, for at most about `seconds`. Returns whether more may be due.

    Authority is checked again before every batch. Any number of workers may do this at once.
    """
    end = time.monotonic() + seconds
    try:
        batch = prepare(dispatch_id)
    except BadTemplate as fault:
        with suppress(Conflict):
            stop_dispatch(dispatch_id=dispatch_id, reason=f"The mail cannot be made: {fault}", by=None, now=now())
        return False
    while batch is not None and time.monotonic() < end and not leaving.is_asked():
        dispatch = _running(dispatch_id, batch.dispatch)
        if dispatch is None:
            return False
        reason = authority.why_not(dispatch, now())
        if reason:
            # Another worker, or a person, may have stopped it a moment before.
            with suppress(Conflict):
                stop_dispatch(dispatch_id=dispatch_id, reason=reason, by=None, now=now())
            return False
        tick = clock.carried_on(now)
        moment = tick()
        lease = claims.lease_end(moment, batch.rules["lease_seconds"])
        claim = claims.claim(dispatch_id=dispatch_id, now=moment, lease=lease, most=_share(dispatch, batch.rules))
        if claim is None:
            return False
        refused = _Run(batch, claims.leave_out(claim, now=moment), tick, end).go()
        if refused:
            with suppress(Conflict):
                stop_dispatch(dispatch_id=dispatch_id, reason=refused, by=None, now=now())
            return False
    return batch is not None


def _share(dispatch: Dispatch, rules: dict[str, Any]) -> int:
    """How many to claim: fewer toward the end, so that all workers end together and none waits for another's last."""
    queued = Tally.objects.values_list("queued", flat=True).get(pk=dispatch.pk)
    return int(min(rules["batch"], max(queued // 3, SMALLEST_BATCH)))


class _Run:
    """One claimed batch on its way. Results are written back in groups, before the next group is begun.

    At a kill at most one group is in doubt: those begun without a recorded result.
    """

    def __init__(self, batch: Batch, claim: Claim, now: Callable[[], datetime], end: float) -> None:
        self.batch, self.claim, self.rows, self.now, self.end = batch, claim, claim.rows, now, end
        self.until = end
        self.moment = now()
        self.done: list[Outcome] = []
        self.open = {row.id: row for row in claim.rows}
        self.looked = self.wrote = time.monotonic()

    def go(self) -> str:
        """Hand the batch over. Returns why the server takes no mail of ours at all, or an empty text."""
        trouble: ChannelError | None = None
        session = door.session()
        try:
            for result in session.send_many(self._envelopes()):
                self._note(result)
        except ChannelError as error:
            trouble = error
        except BaseException:
            # Whatever it was: what is known to be sent is kept, and the rest is left to its lease.
            persistently(lambda: claims.write_back(self.claim, self.done))
            raise
        nobody = trouble is not None and len(self.open) == len(self.rows)
        refused = isinstance(trouble, PermanentError) and nobody
        if trouble is not None and nobody and not refused:
            self._nobody_there(trouble)
        persistently(lambda: self._settle(timedelta(seconds=1 if trouble else 0)))
        # A wrong password is no fault of any recipient: nobody fails for it, and a person is told.
        return f"The mail server refuses us: {trouble}" if refused else ""

    def _settle(self, pause: timedelta) -> None:
        claims.end(self.claim, self.done, untried=list(self.open), again=self.now() + pause)

    def _envelopes(self) -> Iterator[Envelope]:
        for start in range(0, len(self.rows), GROUP):
            group = self.rows[start : start + GROUP]
            if not persistently(partial(self._begin, group)):
                return
            for row in group:
                if not self._goes_on():
                    return
                try:
                    yield self.batch.envelope(row, self.moment)
                except ValueError as fault:
                    self._finish(row, "failed", f"The mail could not be made: {fault}", None)

    def _goes_on(self) -> bool:
        """A slow server must not stretch a begun group over a stop (faults, D15), over its lease, which would
        give the same mails to a second worker, or over the run's own time. Nor may it go on when this worker was
        asked to stop (O7). What is left is given back.
        """
        now = time.monotonic()
        if now > self.until or leaving.is_asked():
            return False
        if now - self.looked < LOOK_AGAIN_SECONDS:
            return True
        self.looked = now
        return persistently(lambda: claims.is_running(self.batch.dispatch.pk))

    def _begin(self, group: list[Claimed]) -> bool:
        """Note that this group is about to go out, and how far the server has taken them so far."""
        if self._is_time_to_write():
            claims.write_back(self.claim, self.done)
            self.done, self.wrote = [], time.monotonic()
        self.moment = self.now()
        lease = claims.lease_end(self.moment, self.batch.rules["lease_seconds"])
        begun = claims.begin(self.claim, upto=group[-1].id, sent_upto=self.done[-1].id if self.done else 0, lease=lease)
        self.looked = time.monotonic()
        seconds = float(self.batch.rules["lease_seconds"])
        # One answer may take the whole timeout; less than half of a short lease is never used.
        self.until = min(self.end, self.looked + max(seconds / 2, seconds - settings.MAIL_TIMEOUT_SECONDS - 5))
        return begun

    def _is_time_to_write(self) -> bool:
        """Sent mails may wait a little, since the claim says how far it came; everything else is written at once."""
        is_late = time.monotonic() - self.wrote > WRITE_BACK_SECONDS
        return is_late or len(self.done) >= WRITE_BACK or any(one.state != "sent" for one in self.done)

    def _note(self, result: Result) -> None:
        self._finish(result.key, result.outcome, result.text, result.code)

    def _finish(self, row: Claimed, outcome: str, text: str, code: int | None) -> None:
        self.open.pop(row.id, None)
        severity = self.batch.dispatch.incident.severity
        self.done.append(judged(row, outcome, text, code, severity=severity, rules=self.batch.rules, now=self.moment))

    def _nobody_there(self, trouble: ChannelError) -> None:
        """The server took nobody's mail: a try that counts, for all of them."""
        log.warning("mail server does not take mail", code=trouble.code)
        for row in list(self.open.values()):
            self._finish(row, "retry", trouble.text or "The mail server does not answer.", trouble.code)


def judged(
    row: Claimed, outcome: str, text: str, code: int | None, *, severity: str, rules: dict[str, Any], now: datetime
) -> Outcome:
    """What follows from a result by policy: growing gaps, a visible end, and never a silent repeat."""
    text = text or {"sent": "", "unknown": "No answer after the text was sent."}.get(outcome, "No reason given.")
    if outcome in ("sent", "failed"):
        return Outcome(row.id, outcome, outcome, text, now, code)
    if outcome == "unknown" and rules["unknown"][severity] != "resend":
        return Outcome(row.id, outcome, outcome, text, now, code, possibly_twice=True)
    if row.attempts >= rules["max_attempts"]:
        ended = f"Given up after {row.attempts} tries: {text}"
        return Outcome(row.id, outcome, "failed", ended, now, code, possibly_twice=outcome == "unknown")
    gaps = rules["retry_gaps_seconds"]
    again = now + timedelta(seconds=gaps[min(row.attempts, len(gaps)) - 1])
    return Outcome(row.id, outcome, "retry", text, now, code, again, possibly_twice=outcome == "unknown")


def persistently(act: Callable[[], T], *, seconds: float = 30) -> T:
    """Run a write again while PostgreSQL restarts or only reads: what is known to be sent must not be forgotten
    (faults, D5, O3).

    Django keeps a broken connection until it is told to look, so it is told before each try.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError, InternalError) as error:
            if time.monotonic() >= end or (isinstance(error, InternalError) and not outages.is_read_only(error)):
                raise
            close_old_connections()
            time.sleep(0.25)
