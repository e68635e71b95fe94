"""The clock: what a tick costs with nothing due, 500 due beside bare SQL, 10 000 at once, and its lag while mails go out."""

import multiprocessing
import os
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, sleep
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from bench import ground, smtp_limit, ticker, worker
from crisiscomms import clock
from crisiscomms.environment import MailServer
from crisiscomms.models import Notice, User
from delivery import actions, sweeping
from delivery.models import Dispatch
from incidents import deadlines
from incidents.models import Deadline, Incident

PENDING = (1_000, 10_000, int(os.environ.get("BENCH_PENDING", "1000000")))
AT_ONCE = int(os.environ.get("BENCH_AT_ONCE", "10000"))
MAILS = int(os.environ.get("BENCH_MAILS", "100000"))
INCIDENTS = 1_000
ROUNDS = 25
STRETCHES = 7


def run() -> dict[str, Any]:
    writer, boss = ground.people()
    _incidents(ground.approved_message(writer, boss)[0])
    return {
        "name": "clock",
        **_nothing_due(writer),
        **_five_hundred(writer),
        **_many_at_once(writer),
        **_lag(writer, boss),
    }


def _incidents(one: Incident) -> None:
    """Copies of one incident. What is due of the first waits for another day."""
    Deadline.objects.all().delete()
    fields = [field.column for field in Incident._meta.local_concrete_fields if field.column not in ("id", "number")]
    names = ", ".join(f'"{name}"' for name in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO incidents_incident (number, {names}) SELECT 100000 + n, {names} "
            "FROM incidents_incident, generate_series(1, %s) n WHERE id = %s",
            [INCIDENTS, one.pk],
        )


def _seed(owner: User, count: int, *, due_at: datetime, act_at: datetime, kind: str, name: str) -> None:
    """Deadlines over all incidents, made in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO incidents_deadline (incident_id, kind, subject, title, owner_id, due_at, warn_at,
                   next_action_at, state, step, waived_reason, created_at, snoozed_reason, taken_times, paused_minutes,
                   occasion)
               SELECT i.id, %(kind)s, %(name)s || n, 'Something that has to happen', %(owner)s, %(due)s, %(act)s, %(act)s,
                   'pending', 0, '', %(act)s, '', 0, 0, ''
               FROM generate_series(0, %(count)s - 1) n
               JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM incidents_incident
                   WHERE number > 100000) i ON i.place = n %% %(incidents)s""",
            {
                "kind": kind, "name": name, "owner": owner.pk, "due": due_at, "act": act_at, "count": count,
                "incidents": INCIDENTS,
            },
        )  # fmt: skip


def _nothing_due(owner: User) -> dict[str, Any]:
    """The same tick with ever more that is pending, each time beside an empty transaction of the same minute.

    A shared machine gets faster and slower by the minute, and between the first count and the last there are some. So
    what is compared is how many empty transactions a tick is worth, in the quietest of the stretches of each.
    """
    now, took, worth = clock.now(), {}, {}
    far = now + timedelta(days=30)
    seeded = 0
    for count in PENDING:
        _seed(owner, count - seeded, due_at=far, act_at=far, kind="explanation", name=f"rest{count}-")
        seeded = count
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE incidents_deadline")
        stretches = [_stretch(now) for _ in range(STRETCHES)]
        took[count] = min(tick for tick, _ in stretches)
        worth[count] = min(tick / empty for tick, empty in stretches)
    return {
        **{f"tick_us_{count}_pending": round(seconds * 1e6) for count, seconds in took.items()},
        **{f"tick_{count}_pending_in_empty_transactions": round(ratio, 2) for count, ratio in worth.items()},
        "nothing_due_ratio": round(max(worth.values()) / min(worth.values()), 2),
    }


def _stretch(now: datetime) -> tuple[float, float]:
    """The middle of many ticks, and of as many empty transactions in turn with them; in seconds."""
    ticks, empty = [], []
    for _ in range(101):
        ticks.append(_seconds(lambda: deadlines.tick(now=now)))
        empty.append(_seconds(_empty))
    return median(ticks), median(empty)


def _empty() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _seconds(act: Any) -> float:
    begun = perf_counter()
    act()
    return perf_counter() - begun


def _five_hundred(owner: User) -> dict[str, Any]:
    """500 whose owner is to be warned: ours, and beside it the same claim, move and notices as bare SQL, in turns.

    The ratio is the middle of those of the rounds: what a neighbour on the machine takes, it takes from both of a pair.
    """
    ours, bare, backend = [], [], _backend()
    spent: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(ROUNDS):
        now = clock.now()
        for name, figures, act in (("ours", ours, _tick_500), ("bare", bare, _bare_500)):
            _seed(owner, 500, due_at=now + timedelta(hours=1), act_at=now, kind="explanation", name=f"{name}{number}-")
            before = _cpu(backend)
            figures.append(_seconds(lambda act=act, now=now: act(now)))
            spent[name].append(_cpu(backend) - before)
            assert not Deadline.objects.due_for_action(now).exists()
    return {
        "due_500_ms": round(min(ours) * 1000, 1),
        "bare_500_ms": round(min(bare) * 1000, 1),
        "bare_is": "claim by SKIP LOCKED with the records' locks, one UPDATE, one INSERT of the notices, one transaction",
        "due_500_ratio": round(median(one / other for one, other in zip(ours, bare, strict=True)), 2),
        "due_500_cpu_ratio": round(median(spent["ours"]) / (median(spent["bare"]) or 1), 2),
    }


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _cpu(backend: int) -> float:
    """Seconds of processor that this process and its database connection have had."""
    try:
        spent = Path(f"/proc/{backend}/schedstat").read_text().split()[0]
    except OSError:
        return 0.0
    return process_time() + int(spent) / 1e9


def _tick_500(now: datetime) -> None:
    assert deadlines.tick(now=now) == 500


def _bare_500(now: datetime) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """SELECT d.id, i.number, d.owner_id, d.due_at, pg_try_advisory_xact_lock(hashtextextended('INC-' || i.number, 0))
               FROM incidents_deadline d JOIN incidents_incident i ON i.id = d.incident_id
               WHERE d.next_action_at <= %s ORDER BY d.next_action_at LIMIT 500 FOR UPDATE OF d, i SKIP LOCKED""",
            [now],
        )
        rows = cursor.fetchall()
        ids = [row[0] for row in rows]
        cursor.execute(
            "UPDATE incidents_deadline SET warned_at = %s, next_action_at = due_at WHERE id = ANY(%s)", [now, ids]
        )
        cursor.execute(
            """INSERT INTO crisiscomms_notice (person_id, kind, key, context, created_at, state, attempts,
                   next_attempt_at, last_error)
               SELECT owner_id, 'deadline_soon', id || ':' || due_at, jsonb_build_object('deadline', id), %s, 'queued', 0,
                   %s, '' FROM incidents_deadline WHERE id = ANY(%s)""",
            [now, now, ids],
        )


def _many_at_once(owner: User) -> dict[str, Any]:
    """All missed at one moment, every second one with a draft to prepare, by two processes."""
    now = clock.now()
    for kind in ("explanation", "update"):
        _seed(owner, AT_ONCE // 2, due_at=now, act_at=now, kind=kind, name=f"once-{kind}-")
    Notice.objects.all().delete()
    context = multiprocessing.get_context("spawn")
    results, barrier = context.Queue(), context.Barrier(3)
    arguments = (connection.settings_dict["NAME"], now, barrier, results)
    processes = [context.Process(target=ticker.until_nothing_is_due, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    barrier.wait(timeout=60)
    begun = perf_counter()
    handled = [results.get(timeout=600) for _ in processes]
    seconds = perf_counter() - begun
    for process in processes:
        process.join()
    missed = Deadline.objects.filter(subject__startswith="once-", state="missed")
    told = Notice.objects.filter(kind="deadline_missed", person=owner)
    lost = AT_ONCE - missed.count() + AT_ONCE - told.values("context__deadline").distinct().count()
    return {
        "at_once": AT_ONCE,
        "at_once_s": round(seconds, 1),
        "at_once_by_process": handled,
        "at_once_lost": lost,
        "at_once_told_twice": told.count() - told.values("context__deadline").distinct().count(),
    }


def _lag(writer: User, boss: User) -> dict[str, Any]:
    """A knock each 2 s, as beat does, while two workers hand over mails as fast as they can."""
    Deadline.objects.filter(next_action_at__isnull=False).update(next_action_at=clock.now() + timedelta(days=30))
    ground.contacts(MAILS)
    with smtp_limit.running_sink() as sink:
        settings.MAIL_SERVER = MailServer("smtp", "127.0.0.1", sink.port)
        _, message = ground.approved_message(writer, boss)
        Deadline.objects.filter(incident=message.incident).delete()
        actions.order_dispatch(message_id=message.pk, by=writer, now=clock.now(), hold_seconds=0)
        sweeping.sweep(now=clock.now())
        dispatch = Dispatch.objects.get(message=message, channel="email")
        figures = _lag_beside(dispatch, sink.port, writer)
        sink.stop()
    return {"mails": MAILS, **figures}


def _lag_beside(dispatch: Dispatch, port: int, owner: User) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    barrier, results, lags, over = context.Barrier(4), context.Queue(), context.Queue(), context.Event()
    name = connection.settings_dict["NAME"]
    senders = [context.Process(target=worker.work, args=(dispatch.pk, name, port, barrier, results)) for _ in range(2)]
    knocking = context.Process(target=ticker.knock, args=(name, owner.pk, barrier, over, lags))
    for process in (*senders, knocking):
        process.start()
    while barrier.n_waiting < 3:
        sleep(0.05)
    begun = clock.now()
    # One due each tenth of a second for as long as the sending may take.
    _seed_stream(owner, begun)
    barrier.wait(timeout=60)
    for _ in senders:
        results.get(timeout=1200)
    seconds = (clock.now() - begun).total_seconds()
    over.set()
    found = sorted(lags.get(timeout=60))
    for process in (*senders, knocking):
        process.join()
    assert found, "nothing was due while mails went out"
    return {
        "mails_per_s": round(MAILS / seconds),
        "lag_seen": len(found),
        "lag_p50_s": round(found[len(found) // 2], 2),
        "lag_p99_s": round(found[min(len(found) - 1, int(len(found) * 0.99))], 2),
    }


def _seed_stream(owner: User, begun: datetime) -> None:
    _seed(owner, 9_000, due_at=begun + timedelta(days=1), act_at=begun, kind="explanation", name="stream-")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE incidents_deadline SET next_action_at = %s + substring(subject FROM 8)::int * interval '100 milliseconds', "
            "warn_at = %s + substring(subject FROM 8)::int * interval '100 milliseconds' WHERE subject LIKE 'stream-%%'",
            [begun, begun],
        )
