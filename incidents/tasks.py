"""Thin tasks: the clock's knock."""

from typing import Any

from celery import shared_task

from crisiscomms import clock, heartbeats
from incidents import deadlines, intake, judging


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
