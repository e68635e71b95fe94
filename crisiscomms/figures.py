"""Figures for Prometheus. Requests are counted where they are answered; all else is read when it is asked for.

prometheus_client alone, not django-prometheus: that one wraps the database and cache backends and labels by path,
and what we want to know stands in our own tables. Several web processes of one server share their counts through
files in PROMETHEUS_MULTIPROC_DIR (set in wsgi.py), so any of them answers for all.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily

from crisiscomms import clock, due, heartbeats
from crisiscomms.celery import QUEUES

log = structlog.get_logger("crisiscomms")
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)
OWN = CollectorRegistry()
REQUESTS = Counter(
    "crisiscomms_requests", "Requests answered, by route and code.", ["route", "method", "code"], registry=OWN
)
SECONDS = Histogram(
    "crisiscomms_request_seconds", "How long the answer took.", ["route"], buckets=BUCKETS, registry=OWN
)
MEMORY = Gauge("crisiscomms_web_memory_bytes", "Memory of each web process.", registry=OWN, multiprocess_mode="liveall")
# What can be missing is missing from the answer, never a reason for none.
UNREADABLE = (DatabaseError, InterfaceError, redis.RedisError)
Rows = Iterable[tuple[tuple[str, ...], float]]


@dataclass(frozen=True)
class Figure:
    """One figure that a house can tell: its rows are (label values, number)."""

    name: str
    text: str
    labels: tuple[str, ...]
    read: Callable[[], Rows]


_figures: dict[str, Figure] = {}


def register(figure: Figure) -> None:
    _figures[figure.name] = figure


def count(*, route: str, method: str, code: int, seconds: float) -> None:
    REQUESTS.labels(route, method, str(code)).inc()
    SECONDS.labels(route).observe(seconds)
    MEMORY.set(heartbeats.memory_of_this_process())


def text() -> bytes:
    answer = CollectorRegistry()
    answer.register(_Read())
    return _requests() + generate_latest(answer)


def _requests() -> bytes:
    place = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not place:
        return generate_latest(OWN)
    for path in Path(place).glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            multiprocess.mark_process_dead(int(pid), place)
    shared = CollectorRegistry()
    multiprocess.MultiProcessCollector(shared, place)
    return generate_latest(shared)


class _Read:
    """Asked anew at each scrape. One part that cannot be read leaves the others standing."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for part in (self._queues, self._signs, self._lags, self._houses):
            try:
                yield from list(part())
            except UNREADABLE as error:
                log.warning("figures not readable", part=part.__name__, error=type(error).__name__)

    def _queues(self) -> Iterator[GaugeMetricFamily]:
        lengths = GaugeMetricFamily("crisiscomms_queue_length", "Bells waiting in Redis.", labels=["queue"])
        for queue in QUEUES:
            lengths.add_metric([queue], _broker().llen(queue))
        yield lengths

    def _signs(self) -> Iterator[GaugeMetricFamily]:
        now = clock.now()
        ages = GaugeMetricFamily("crisiscomms_heartbeat_age_seconds", "Since the last sign of life.", labels=["part"])
        memory = GaugeMetricFamily("crisiscomms_worker_memory_bytes", "Memory of who answered last.", labels=["queue"])
        for sign in (*heartbeats.of_queues(now=now), heartbeats.of_beat(now=now), heartbeats.of_clock(now=now)):
            if sign.age is not None:
                ages.add_metric([sign.name], sign.age)
            if sign.memory:
                memory.add_metric([sign.name], sign.memory)
        yield from (ages, memory)

    def _lags(self) -> Iterator[GaugeMetricFamily]:
        lags = GaugeMetricFamily("crisiscomms_due_seconds", "How long the oldest due work has waited.", labels=["kind"])
        for lag in due.lags(now=clock.now()):
            lags.add_metric([lag.key], lag.seconds)
        yield lags

    def _houses(self) -> Iterator[GaugeMetricFamily]:
        for figure in _figures.values():
            family = GaugeMetricFamily(figure.name, figure.text, labels=figure.labels)
            for labels, number in figure.read():
                family.add_metric(labels, number)
            yield family


@lru_cache
def _broker() -> "redis.Redis":
    return redis.Redis.from_url(settings.ENV.redis_url, socket_timeout=3, socket_connect_timeout=3)
