"""Thin tasks: the clock's knock."""

from typing import Any

from celery import shared_task

from crisiscomms import clock, heartbeats
from incidents import deadlines


@shared_task
def tick(**_: Any) -> None:
    """Handle every deadline that is due. Safe to run twice, and by two beats at once."""
    while deadlines.tick(now=clock.now()) == 500:
        pass
    heartbeats.mark(heartbeats.CLOCK, now=clock.now())
