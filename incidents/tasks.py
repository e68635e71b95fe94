"""Thin tasks: the clock's knock, and bells for archives of records."""

from typing import Any

from celery import shared_task
from django.db import transaction

from crisiscomms import clock, heartbeats
from incidents import deadlines
from incidents.models import RecordExport
from incidents.noticing import intake, judging
from incidents.record import making


@shared_task
def tick(**_: Any) -> None:
    """Handle every deadline that is due. Safe to run twice, and by two beats at once."""
    while deadlines.tick(now=clock.now()) == 500:
        pass
    heartbeats.mark(heartbeats.CLOCK, now=clock.now())


@shared_task
def judge_signals(**_: Any) -> None:
    """Look at what came in since. The bell and the sweep are the same; two at once do no harm."""
    now = clock.now()
    while judging.judge_due(now=now) == judging.BATCH:
        pass


@shared_task
def forget_receipts(**_: Any) -> None:
    """Ids that sources have used, once nobody could use them again."""
    now = clock.now()
    while intake.forget_receipts(now=now):
        pass


@shared_task
def make_archive(*, export_id: int, **_: Any) -> None:
    making.work(export_id=export_id, now=clock.now())


@shared_task
def sweep_archives(**_: Any) -> None:
    """Ring again for archives whose worker or bell was lost, and delete those whose days are over."""
    now = clock.now()
    for export_id in RecordExport.objects.stuck(now).values_list("pk", flat=True)[:20]:
        make_archive.delay(export_id=export_id)
    making.forget(now=now)


def ring(export_id: int) -> None:
    """Ask for an archive once the caller's transaction is kept. Without Redis the sweep finds it."""
    transaction.on_commit(lambda: make_archive.delay(export_id=export_id), robust=True)
