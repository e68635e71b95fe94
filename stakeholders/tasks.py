"""Bells for imports. The work and its safety against running twice are in stakeholders/imports."""

from datetime import timedelta
from typing import Any

from celery import shared_task
from django.db import transaction

from crisiscomms import clock
from stakeholders.imports import forgetting, running
from stakeholders.models import ImportRun

STUCK_AFTER = timedelta(seconds=60)


@shared_task
def run_import(*, run_id: int, **_: Any) -> None:
    """Read, import or undo for a while, whichever the run waits for, and ring again when there is more."""
    if running.work(run_id=run_id):
        run_import.delay(run_id=run_id)


@shared_task
def sweep_imports(**_: Any) -> None:
    """Ring again for runs whose worker or bell was lost, and forget the rows of old ones."""
    now = clock.now()
    for run_id in ImportRun.objects.stuck(before=now - STUCK_AFTER).values_list("pk", flat=True):
        run_import.delay(run_id=run_id)
    forgetting.forget(now=now)


def ring(run_id: int) -> None:
    """Ask for work on a run once the caller's transaction is kept. Without Redis the sweep finds it."""
    transaction.on_commit(lambda: run_import.delay(run_id=run_id), robust=True)
