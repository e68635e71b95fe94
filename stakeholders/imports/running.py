"""A run's work in the background: whatever its state asks for, for a while, then ring again."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from time import monotonic

from django.db import transaction

from crisiscomms import audit, clock, leaving
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from stakeholders import access
from stakeholders.imports import applying, kinds, staging, undoing
from stakeholders.models import ImportRun

State = ImportRun.State
# Well under the task's own limit. Reading counts from the first new row: passing over the old ones takes time too.
SECONDS = 40.0
MAX_TRIES = 5
# How long a piece of an undo should take: whatever points at what it deletes has to be looked through.
_PIECE_SECONDS = 3.0


def work(*, run_id: int, seconds: float = SECONDS) -> bool:
    """Work on a run. Returns whether there is more to do. Safe to run twice, also at the same time."""
    run = ImportRun.objects.filter(pk=run_id).first()
    work_on = _WORK.get(State(run.state)) if run else None
    if run is None or work_on is None:
        return False
    try:
        return work_on(run, seconds)
    except staging.Overtaken:
        # Whoever moved the run on rings for it.
        return False


def _read(run: ImportRun, seconds: float) -> bool:
    try:
        _count_try(run)
        if not kinds.of(run).is_mapped(run.mapping):
            return _ready(run)
        past = staging.recall(run)
        is_out_of_time = _timer(seconds)
        with closing(staging.pieces(run)) as pieces:
            for piece in pieces:
                staging.stage(run, piece, past, now=clock.now())
                if is_out_of_time():
                    return True
    except Refused as refusal:
        _refuse(run, str(refusal), now=clock.now())
        return False
    return _ready(run)


def _apply(run: ImportRun, seconds: float) -> bool:
    is_out_of_time = _timer(seconds)
    while not _is_stopped(run, run.confirmed_by_id) and applying.apply_chunk(run, now=clock.now()):
        if is_out_of_time():
            return True
    return False


def _undo(run: ImportRun, seconds: float) -> bool:
    is_out_of_time, size = _timer(seconds), undoing.CHUNK
    is_slow = _timer(_PIECE_SECONDS)
    while not _is_stopped(run, run.undone_by_id) and undoing.undo_chunk(run, now=clock.now(), size=size):
        if is_out_of_time():
            return True
        size = max(size // 4, 20) if is_slow() else min(size * 2, undoing.CHUNK)
        is_slow = _timer(_PIECE_SECONDS)
    return False


_WORK = {State.READING: _read, State.IMPORTING: _apply, State.UNDOING: _undo}


def _timer(seconds: float) -> Callable[[], bool]:
    started = monotonic()
    return lambda: leaving.is_asked() or monotonic() - started > seconds


def _is_stopped(run: ImportRun, person_id: int | None) -> bool:
    """Nothing goes on in the name of somebody who lost access since. Nobody is the machine's own operator."""
    if person_id is None:
        return False
    # Asked anew each time: the run holds the person as they were when it was read.
    person = User.objects.get(pk=person_id)
    if access.may_import(person):
        return False
    _stop(run, f"{person} ordered it and may not import contacts any more.", now=clock.now())
    return True


@transaction.atomic
def _stop(run: ImportRun, why: str, *, now: datetime) -> None:
    staging.lock_where_left(run)
    what = "undo" if run.state == State.UNDOING else "import"
    run.state, run.why_refused = State.CANCELLED, why
    run.worked_at, run.finished_at = now, run.finished_at or now
    run.save(update_fields=["state", "why_refused", "worked_at", "finished_at"])
    audit.record(
        chain=audit.INSTALLATION,
        verb="import.cancelled",
        subject=f"import:{run.pk}",
        text=f"The {what} of “{run.name}” was stopped: {why} What is done stays",
        by=None,
        now=now,
        data={"applied": run.applied, "undone": run.undone},
    )
    applying.forget_file(run)


def _count_try(run: ImportRun) -> None:
    """A file that kills its worker every time must not be tried for ever."""
    if run.tries >= MAX_TRIES:
        raise Refused("Reading this file failed several times without an answer. Save it as CSV and upload it again.")
    run.tries += 1
    run.worked_at = clock.now()
    run.save(update_fields=["tries", "worked_at"])


@transaction.atomic
def _ready(run: ImportRun) -> bool:
    staging.lock_where_left(run)
    run.state = State.READY
    run.worked_at = clock.now()
    run.save(update_fields=["state", "worked_at"])
    return False


@transaction.atomic
def _refuse(run: ImportRun, why: str, *, now: datetime) -> None:
    staging.lock_where_left(run)
    run.state, run.why_refused = State.REFUSED, why
    run.worked_at = run.finished_at = now
    run.save(update_fields=["state", "why_refused", "worked_at", "finished_at"])
    audit.record(
        chain=audit.INSTALLATION,
        verb="import.refused",
        subject=f"import:{run.pk}",
        text=f"“{run.name}” was refused: {why}",
        by=run.uploaded_by,
        now=now,
    )
    applying.forget_file(run)
