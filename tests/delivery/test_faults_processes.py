"""Real worker processes, killed; a real broker, emptied; a real database, restarted. Nothing is lost or repeated."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.db import connection

from crisiscomms import celery, environment
from crisiscomms.embedded import processes
from crisiscomms.embedded.postgres import Postgres
from crisiscomms.embedded.redis import Redis
from crisiscomms.embedded.serve import GRACE_SECONDS
from delivery import tasks
from delivery.models import Tally
from tests import factories
from tests.delivery import ground
from tests.peers.smtp_sink import Rules, SmtpSink

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
CHILDREN = 2
GROUP = 25  # mails that one worker has on the wire at most (policy: write_back)


class Site:
    """Workers, broker and mail server of their own, around a database that is given."""

    def __init__(self, place: Path, sink: SmtpSink, redis: Redis) -> None:
        self.place, self.sink, self.redis = place, sink, redis
        self.database_url = ""
        self.worker: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        mail = f"smtp://127.0.0.1:{self.sink.port}"
        return {**os.environ, "DATABASE_URL": self.database_url, "REDIS_URL": self.redis.url, "EMAIL_URL": mail}

    def start_workers(self) -> None:
        words = [sys.executable, "-m", "celery", "-A", "crisiscomms.celery:app", "worker", "-Q", "delivery,default"]
        words += ["-c", str(CHILDREN), "-l", "error", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        with (self.place / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(
                words, cwd=ROOT, env=self.env, start_new_session=True, stdout=log, stderr=log
            )

    def kill_workers(self) -> None:
        """All of the group at once, as a machine that loses its power."""
        if self.worker is not None:
            os.killpg(self.worker.pid, signal.SIGKILL)
            self.worker.wait(10)
            self.worker = None

    def ring_until(self, condition: Callable[[], bool], seconds: float = 40) -> None:
        """Knock as beat does, only faster, until it is so."""
        limit = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < limit, (self.place / "worker.log").read_text()[-3000:]
            with celery.app.connection_for_write(environment.broker(self.redis.url)) as broker:
                tasks.sweep.apply_async(connection=broker, expires=10, retry=False)
            time.sleep(0.1)

    def mails(self) -> Counter[str]:
        """How often each Message-ID arrived."""
        found: Counter[str] = Counter()
        for mail in list(self.sink.mails):
            start = mail.raw.index(b"Message-ID: <") + 13
            found[mail.raw[start : mail.raw.index(b"@", start)].decode()] += 1
        return found


@pytest.fixture
def site(tmp_path):
    redis = Redis(tmp_path / "redis", sockets=tmp_path / "rd", log=tmp_path / "redis.log", fast=True)
    redis.start()
    # One answer takes 8 ms, so that a kill finds the batch in its middle.
    with SmtpSink(Rules(delay=0.008)) as sink:
        made = Site(tmp_path, sink, redis)
        yield made
        made.kill_workers()
    redis.stop()


@pytest.fixture
def database(site):
    """The test's own database, as a worker process reaches it."""
    url = urlsplit(os.environ["DATABASE_URL"])
    site.database_url = url._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def real_time():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_d1_d3_killed_workers_and_an_emptied_redis_lose_nobody_and_repeat_nothing_recorded(ada, ben, site, database):
    """One dispatch is critical (in doubt: again), one major (in doubt: wait for a person)."""
    chance, kills = random.Random(), 3
    factories.make_contacts(300)
    ground.set_policy(lease_seconds=3)
    again, hold = (
        ground.order_mail(ada, ben, now=real_time(), severity=severity) for severity in ("critical", "major")
    )

    for number in range(kills):
        site.start_workers()
        enough = len(site.sink.mails) + chance.randint(40, 130)
        site.ring_until(lambda enough=enough: len(site.sink.mails) >= enough)
        if number == 1:
            subprocess.run([sys.executable, "-c", FLUSH, str(site.redis.socket)], check=True)
            still = len(site.sink.mails)
            site.ring_until(lambda still=still: len(site.sink.mails) > still)
        site.kill_workers()
    site.start_workers()
    site.ring_until(lambda: not over(again, hold))

    arrived = site.mails()
    for dispatch in (again, hold):
        tally = Tally.objects.get(dispatch=dispatch)
        assert (tally.planned, tally.waiting, tally.adds_up) == (300, 0, True)
    extra = check_sent_again(again, arrived)
    in_doubt = check_held(hold, arrived)
    assert extra + in_doubt > 0
    assert max(extra, in_doubt) <= kills * CHILDREN * GROUP


@pytest.mark.django_db(transaction=True)
def test_d3_workers_go_on_after_redis_was_killed_without_being_started_again(ada, ben, site, database):
    factories.make_contacts(20)
    site.start_workers()
    before = ground.order_mail(ada, ben, now=real_time())
    site.ring_until(lambda: not over(before))

    site.redis.process.kill()
    site.redis.process.wait()
    after = ground.order_mail(ada, ben, now=real_time())
    site.redis.start()
    site.ring_until(lambda: not over(after))

    assert Counter(site.mails().values()) == {1: 40}


FLUSH = "import sys, redis; redis.Redis(unix_socket_path=sys.argv[1]).flushall()"


def over(*dispatches):
    """Those that are not done yet."""
    for dispatch in dispatches:
        dispatch.refresh_from_db()
    return [dispatch for dispatch in dispatches if dispatch.state != "done"]


def check_sent_again(dispatch, arrived):
    """Everybody is reached, and whoever got two is marked. Returns how many mails were too many."""
    extra = 0
    for row in dispatch.notifications.all():
        times = arrived[f"{dispatch.uid.hex}.{row.pk}"]
        assert row.state == "sent" and times >= 1
        assert times == 1 or row.possibly_twice
        extra += times - 1
    return extra


def check_held(dispatch, arrived):
    """Nobody gets two; whoever is recorded as sent has it. Returns how many wait for a person."""
    for row in dispatch.notifications.all():
        times = arrived[f"{dispatch.uid.hex}.{row.pk}"]
        assert (row.state, times) in {("sent", 1), ("unknown", 0), ("unknown", 1)}
    return dispatch.notifications.filter(state="unknown").count()


def test_d5_a_database_that_restarts_in_mid_batch_costs_time_only(site, tmp_path):
    postgres = Postgres(tmp_path / "postgres", sockets=tmp_path / "pg", log=tmp_path / "postgres.log")
    postgres.start()
    site.database_url = postgres.url
    try:
        subprocess.run([sys.executable, "-m", "tests.delivery.lone_site", "300"], cwd=ROOT, env=site.env, check=True)
        site.start_workers()
        for stop in (signal.SIGINT, signal.SIGQUIT):  # fast, immediate
            enough = len(site.sink.mails) + 60
            site.ring_until(lambda enough=enough: len(site.sink.mails) >= enough)
            processes.stop_child(postgres.process, stop)
            postgres.start()
        site.ring_until(lambda: states_in(postgres).keys() <= {"sent", "failed", "unknown"})

        assert states_in(postgres) == {"sent": 300}
        assert Counter(site.mails().values()) == {1: 300}
    finally:
        site.kill_workers()
        postgres.stop()


def states_in(postgres):
    with psycopg2.connect(postgres.url) as line, line.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM delivery_notification GROUP BY state")
        found = Counter(dict(cursor.fetchall()))
    line.close()
    return found


@pytest.mark.django_db(transaction=True)
def test_o7_workers_that_are_asked_to_stop_finish_what_is_on_its_way_and_give_the_rest_back(ada, ben, site, database):
    """SIGTERM in mid-batch, as at a deploy: nothing unknown, nothing twice, and soon."""
    factories.make_contacts(600)
    dispatch = ground.order_mail(ada, ben, now=real_time())
    site.start_workers()
    site.ring_until(lambda: len(site.sink.mails) >= 60)

    begun = time.monotonic()
    assert site.worker is not None
    site.worker.terminate()
    assert site.worker.wait(GRACE_SECONDS) == 0
    took = time.monotonic() - begun

    tally = Tally.objects.get(dispatch=dispatch)
    assert took < 10 and tally.sent < 600
    assert (tally.claimed, tally.unknown, tally.sent) == (0, 0, len(site.sink.mails))
    site.start_workers()
    site.ring_until(lambda: not over(dispatch))
    assert Counter(site.mails().values()) == {1: 600}
