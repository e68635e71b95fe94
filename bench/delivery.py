"""Mails a second end to end beside the pipelined limit of the same sink, and fan-out beside the bare INSERT."""

import multiprocessing
import os
from statistics import median
from time import perf_counter, sleep
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from bench import ground, smtp_limit, worker
from crisiscomms import clock
from crisiscomms.environment import MailServer
from crisiscomms.models import User
from delivery import actions, fanout, sender, sweeping
from delivery.channels.smtp import Envelope
from delivery.claims import Claimed
from delivery.models import Dispatch, Notification
from messaging.content import Content

MAILS = int(os.environ.get("BENCH_MAILS", "20000"))
WORKERS = 2
ROUNDS = 3


def run() -> dict[str, Any]:
    writer, boss = ground.people()
    ground.contacts(MAILS)
    fan_out = _fan_out(_ordered(writer, boss))
    with smtp_limit.running_sink() as sink:
        settings.MAIL_SERVER = MailServer("smtp", "127.0.0.1", sink.port)
        rounds = [_round(sink, writer, boss) for _ in range(ROUNDS)]
        counts = {key: count for key, count in sink.stop().items() if "limit." not in key}
    assert len(counts) == MAILS * ROUNDS and set(counts.values()) == {1}
    # The machine's own noise hits either side of a round: the middle one is told.
    middle = sorted(rounds, key=lambda one: one["ratio"])[ROUNDS // 2]
    ratios = [one["ratio"] for one in rounds]
    return {
        "name": "delivery",
        "mails": MAILS,
        "workers": WORKERS,
        **middle,
        "ratios": ratios,
        "worker_peak_mb": max(one["worker_peak_mb"] for one in rounds),
        **fan_out,
    }


def _ordered(writer: User, boss: User) -> Dispatch:
    _, message = ground.approved_message(writer, boss)
    actions.order_dispatch(message_id=message.pk, by=writer, now=clock.now(), hold_seconds=0)
    return Dispatch.objects.get(message=message, channel="email")


def _round(sink: smtp_limit.Sink, writer: User, boss: User) -> dict[str, Any]:
    """One dispatch to everybody, and beside it the limit with the very same mails, before and after."""
    dispatch = _ordered(writer, boss)
    sweeping.sweep(now=clock.now())
    team = _Team(dispatch.pk, sink.port)
    mails = _prebuilt(dispatch.pk)
    limits = [smtp_limit.measure("127.0.0.1", sink.port, 0, WORKERS, depth=0, mails=mails) for _ in range(2)]
    seconds, peaks = team.send()
    limits += [smtp_limit.measure("127.0.0.1", sink.port, 0, WORKERS, depth=0, mails=mails) for _ in range(2)]
    sweeping.sweep(now=clock.now())
    dispatch.tally.refresh_from_db()
    assert dispatch.tally.sent == MAILS, dispatch.tally.__dict__
    # The machine's own noise slows both alike: the limit is what it was around this round, not its luckiest moment.
    limit = median(limits)
    return {
        "mails_per_s": round(MAILS / seconds),
        "limit_mails_per_s": round(limit),
        "limit_is": "the same mails prebuilt, pipelined as RFC 2920 allows, 2 connections, same sink, median of 4",
        "ratio": round(MAILS / seconds / limit, 3),
        "worker_peak_mb": max(peaks),
    }


def _prebuilt(dispatch_id: int) -> list[Envelope]:
    """The very bytes that will be sent, under other message ids, so that the sink can tell them apart."""
    batch = sender.prepare(dispatch_id)
    assert batch is not None
    rows = Notification.objects.filter(dispatch=dispatch_id).values_list("pk", "contact_id", "address", "merge")
    claimed = [Claimed(pk, contact, address, merge, 1) for pk, contact, address, merge in rows[:4000]]
    mails = [batch.envelope(row, clock.now()) for row in claimed]
    return [mail._replace(data=mail.data.replace(b"Message-ID: <", b"Message-ID: <limit.", 1)) for mail in mails]


def _fan_out(dispatch: Dispatch) -> dict[str, Any]:
    """The frozen list once more beside the same INSERT … SELECT without our triggers and constraints."""
    rule = Content.from_data(dispatch.content).rule_for(dispatch.incident)
    with transaction.atomic():
        Notification.objects.filter(dispatch=dispatch).delete()
        begun = perf_counter()
        fanout.freeze(dispatch=dispatch, rule=rule, now=clock.now())
        ours = perf_counter() - begun
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE bare (LIKE delivery_notification INCLUDING DEFAULTS INCLUDING INDEXES)")
        begun = perf_counter()
        cursor.execute("INSERT INTO bare SELECT * FROM delivery_notification WHERE dispatch_id = %s", [dispatch.pk])
        bare = perf_counter() - begun
    return {
        "fan_out_rows_per_s": round(MAILS / ours),
        "bare_insert_rows_per_s": round(MAILS / bare),
        "fan_out_ratio": round(bare / ours, 3),
    }


class _Team:
    """Two worker processes that stand ready, and send everything when told."""

    def __init__(self, dispatch_id: int, port: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.barrier, self.results = context.Barrier(WORKERS + 1), context.Queue()
        arguments = (dispatch_id, connection.settings_dict["NAME"], port, self.barrier, self.results)
        self.workers = [context.Process(target=worker.work, args=arguments) for _ in range(WORKERS)]
        for process in self.workers:
            process.start()
        while self.barrier.n_waiting < WORKERS and all(process.is_alive() for process in self.workers):
            sleep(0.01)

    def send(self) -> tuple[float, list[int]]:
        """Seconds from the starting shot to the last one done, and each one's peak memory in MB."""
        self.barrier.wait(timeout=60)
        begun = perf_counter()
        peaks = [self.results.get(timeout=300) for _ in self.workers]
        seconds = perf_counter() - begun
        for process in self.workers:
            process.join()
        return seconds, peaks
