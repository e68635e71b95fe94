"""The heartbeat: says that beat knocks and each queue's worker answers, here and to an outside watchdog."""

import zoneinfo
from typing import Any

import requests
import structlog
from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings
from django.core.cache import cache

from crisiscomms import clock, digest, due, heartbeats, retention
from crisiscomms.api import idempotency
from crisiscomms.celery import QUEUES
from crisiscomms.organisation import get_organisation

log = structlog.get_logger("crisiscomms")
WATCHED = "watchdog-answered"
# Connecting, and each read of the answer's head. The body is not waited for.
WATCHDOG_TIMEOUT = (2, 3)


@shared_task
def heartbeat(*, queue: str = "default", from_beat: bool = True, **_: Any) -> None:
    """Somebody serves this queue; and if beat has sent the knock, beat lives."""
    now = clock.now()
    heartbeats.mark(queue, now=now, memory=heartbeats.memory_of_this_process())
    if from_beat:
        heartbeats.mark(heartbeats.BEAT, now=now)


@shared_task(soft_time_limit=10)
def ping_watchdog(**_: Any) -> None:
    """Tell the outside watchdog that the clock moves: the deadlines were looked at, and none waits too long.

    A worker does this and never beat itself, so a watchdog that hangs cannot hold up the knocks.
    """
    if not settings.HEARTBEAT_URL:
        return
    now = clock.now()
    moved, late = heartbeats.of_clock(now=now), due.lag("deadlines", now=now)
    if not moved.is_alive or late.is_late:
        log.error("watchdog not told: the clock stands still", age=moved.age, oldest_deadline=late.seconds)
        return
    try:
        with requests.get(settings.HEARTBEAT_URL, timeout=WATCHDOG_TIMEOUT, stream=True, allow_redirects=False) as said:
            if said.ok:
                cache.set(WATCHED, 1, timeout=3600)
            else:
                log.warning("watchdog does not take the ping", code=said.status_code)
    except requests.RequestException as error:
        log.warning("watchdog does not answer", error=type(error).__name__)


@shared_task
def apply_retention(**_: Any) -> None:
    """Forget what is old enough, at night by the organisation's clock; ring again while more is left."""
    now = clock.now()
    if not 1 <= now.astimezone(zoneinfo.ZoneInfo(get_organisation().time_zone)).hour < 5:
        return
    _, more = retention.apply(now=now)
    if more:
        apply_retention.apply_async(expires=3600, retry=False)


@shared_task
def make_digests(**_: Any) -> None:
    digest.make_due(now=clock.now())


@shared_task
def forget_answers(**_: Any) -> None:
    """What the API answered is kept for a day, for those who ask again with the same key."""
    idempotency.forget(now=clock.now())


@worker_ready.connect
def _first_beat(sender: Any = None, **_: Any) -> None:
    """Do not make readiness wait for the first knock after a start."""
    served = getattr(getattr(sender, "app", None), "amqp", None)
    for queue in served.queues.consume_from if served else QUEUES:
        try:
            heartbeat.apply_async(
                kwargs={"queue": str(queue), "from_beat": False}, queue=str(queue), expires=30, retry=False
            )
        except Exception as error:  # noqa: BLE001 - any broker error: the schedule will ring soon
            log.warning("broker did not take the bell", error=type(error).__name__)
            return
