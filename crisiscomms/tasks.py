"""The heartbeat: says that beat knocks and a worker answers, here and to an outside watchdog."""

from typing import Any

import requests
import structlog
from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings
from django.core.cache import cache

from crisiscomms import clock
from crisiscomms.api import idempotency

log = structlog.get_logger("crisiscomms")
KEY = "heartbeat"
WATCHED = "watchdog-answered"


@shared_task
def heartbeat(**_: Any) -> None:
    cache.set(KEY, clock.now().timestamp(), timeout=600)
    if settings.HEARTBEAT_URL:
        try:
            requests.get(settings.HEARTBEAT_URL, timeout=5)
            cache.set(WATCHED, 1, timeout=3600)
        except requests.RequestException as error:
            log.warning("watchdog does not answer", error=type(error).__name__)


@shared_task
def forget_answers(**_: Any) -> None:
    """What the API answered is kept for a day, for those who ask again with the same key."""
    idempotency.forget(now=clock.now())


@worker_ready.connect
def _first_beat(sender: Any = None, **_: Any) -> None:
    """Do not make readiness wait for the first knock after a start."""
    try:
        heartbeat.apply_async(expires=30, retry=False)
    except Exception as error:  # noqa: BLE001 - any broker error: the schedule will ring soon
        log.warning("broker did not take the bell", error=type(error).__name__)
