"""The embedded services, really started in a temporary directory."""

import os
import signal
import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import psycopg2
import pytest
import redis as redis_client

from crisiscomms.embedded import inbox, local_env, processes
from crisiscomms.embedded.postgres import Postgres
from crisiscomms.embedded.processes import ServiceError
from crisiscomms.embedded.redis import Redis
from crisiscomms.embedded.supervisor import AlreadyRunning, Child, Lock, Supervisor, end_leftovers


@pytest.fixture
def place(tmp_path, request):
    """A directory whose servers are stopped however the test ends."""
    yield tmp_path
    left = processes.left_behind("postgres", tmp_path / "postgres", f"-D {tmp_path}/postgres -c")
    processes.end(left + processes.left_behind("redis-server", tmp_path / "redis"), signal.SIGQUIT)


def make_postgres(place: Path, *, fast: bool = True) -> Postgres:
    return Postgres(place / "postgres", sockets=place / "sockets" / "pg", log=place / "postgres.log", fast=fast)


def make_redis(place: Path, *, fast: bool = False) -> Redis:
    return Redis(place / "redis", sockets=place / "sockets" / "redis", log=place / "redis.log", fast=fast)


def ask(postgres: Postgres, sql: str) -> str:
    connection = psycopg2.connect(postgres.url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return str(cursor.fetchone()[0])
    finally:
        connection.close()


@pytest.mark.slow
def test_postgres_keeps_its_data_over_a_stop_and_a_kill_and_listens_on_no_address(place):
    first = make_postgres(place, fast=False)
    first.start()
    assert ask(first, "SHOW server_encoding") == "UTF8"
    assert ask(first, "SHOW listen_addresses") == ""
    assert ask(first, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7) RETURNING n") == "7"
    first.process.kill()  # what the kernel does when memory is short; postmaster.pid stays
    first.process.wait()
    assert (place / "postgres" / "postmaster.pid").exists()

    second = make_postgres(place, fast=False)
    second.start()

    assert ask(second, "SELECT n FROM kept") == "7"
    second.stop()
    assert not second.is_running()


@pytest.mark.slow
def test_a_second_start_takes_over_from_a_server_that_a_killed_start_left(place):
    left = make_postgres(place)
    left.start()

    taker = make_postgres(place)
    taker.start()

    assert left.process.poll() is not None
    assert ask(taker, "SELECT 1") == "1"
    taker.stop()


@pytest.mark.slow
def test_a_stale_pid_that_now_belongs_to_another_program_is_no_obstacle(place):
    postgres = make_postgres(place)
    postgres.start()
    pid_file = place / "postgres" / "postmaster.pid"
    words = pid_file.read_text().splitlines()
    postgres.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *words[1:]]) + "\n")

    postgres.start()

    assert ask(postgres, "SELECT 1") == "1"
    postgres.stop()


def test_data_of_another_version_is_refused_with_words(place):
    postgres = make_postgres(place)
    (place / "postgres").mkdir()
    (place / "postgres" / "PG_VERSION").write_text("9\n")

    with pytest.raises(ServiceError, match="made by PostgreSQL 9"):
        postgres.start()


def test_redis_keeps_its_queue_over_a_stop_and_has_no_port(place):
    first = make_redis(place)
    first.start()
    client = redis_client.Redis.from_url(first.url)
    client.rpush("queue", "work")
    assert client.config_get("port")["port"] == "0"
    assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    client.close()
    first.stop()

    second = make_redis(place)
    second.start()

    client = redis_client.Redis.from_url(second.url)
    assert client.lrange("queue", 0, -1) == [b"work"]
    client.close()
    second.stop()


def test_redis_takes_over_from_one_that_was_left_and_puts_an_unreadable_queue_aside(place):
    left = make_redis(place)
    left.start()
    left.process.kill()
    left.process.wait()
    (place / "redis" / "appendonly.aof").write_bytes(b"*3\r\n$not a queue\r\n" * 9)

    taker = make_redis(place)
    taker.start()

    client = redis_client.Redis.from_url(taker.url)
    assert client.dbsize() == 0
    client.close()
    taker.stop()
    assert list(place.glob("redis.unreadable-*"))


def test_a_deep_directory_gets_a_short_socket_of_its_own(tmp_path):
    deep = tmp_path / ("x" * 120)

    short = processes.socket_directory(deep, longest_name=13)

    assert len(str(short)) + 14 <= processes.SOCKET_PATH_LIMIT
    assert short == processes.socket_directory(deep, longest_name=13)
    assert short.stat().st_mode & 0o777 == 0o700
    short.rmdir()


def test_without_bundle_or_programs_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(()))
    from crisiscomms.embedded import postgres, redis

    for find in (postgres.find_binaries, redis.find_binary):
        with pytest.raises(ServiceError, match="`redis-server` are on PATH, or set DATABASE_URL and REDIS_URL"):
            find()


@pytest.fixture
def mailbox(tmp_path):
    port = local_env.free_port()
    controller = inbox.start(tmp_path / "inbox", port)
    yield tmp_path / "inbox", port
    controller.stop()


def make_mail(**headers: str) -> EmailMessage:
    mail = EmailMessage()
    for name, value in {"From": "ada@demo.example", "To": "ben@demo.example", "Subject": "Outage in Köln"}.items():
        mail[name] = headers.get(name, value)
    mail.set_content("Plain words.\n")
    mail.add_alternative("<p>Rich words.</p>", subtype="html")
    return mail


def test_the_inbox_stores_a_mail_with_whom_the_envelope_named(mailbox):
    folder, port = mailbox
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as smtp:
        smtp.send_message(make_mail(), to_addrs=["ben@demo.example", "blind@demo.example"])

    [summary] = inbox.list_mails(10, folder=folder)
    mail = inbox.read_mail(summary.name, folder=folder)

    assert summary.subject == "Outage in Köln"
    assert summary.to == "ben@demo.example, blind@demo.example"
    assert mail.text.strip() == "Plain words."
    assert "<p>Rich words.</p>" in mail.html
    assert [path.suffix for path in folder.iterdir()] == [".eml"]


def test_the_inbox_lists_the_newest_first_and_finds_words(tmp_path):
    for number in range(4):
        inbox.store(
            bytes(make_mail(Subject=f"Wave {number}")), sender="a@x.example", to=["b@x.example"], folder=tmp_path
        )

    assert [mail.subject for mail in inbox.list_mails(2, folder=tmp_path)] == ["Wave 3", "Wave 2"]
    assert [mail.subject for mail in inbox.list_mails(9, "wave 1", folder=tmp_path)] == ["Wave 1"]
    inbox.prune(tmp_path, kept=1)
    assert [mail.subject for mail in inbox.list_mails(9, folder=tmp_path)] == ["Wave 3"]


def test_a_broken_mail_is_shown_rather_than_an_error(tmp_path):
    raw = b"Subject: =?utf-8?q?=ff?=\r\nFrom: \xff@@\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xffbody"
    name = inbox.store(raw, sender="", to=["b@x.example"], folder=tmp_path)

    assert "body" in inbox.read_mail(name, folder=tmp_path).text
    assert len(inbox.list_mails(5, folder=tmp_path)) == 1


@pytest.mark.parametrize(
    "name", ["../env", "/etc/passwd", "", "x.eml", "0" * 20 + "-deadbeef.eml/..", "0" * 20 + "-deadbeef.eml"]
)
def test_only_names_that_the_inbox_gave_are_read(tmp_path, name):
    (tmp_path / "env").write_text("SECRET_KEY=x")
    folder = tmp_path / "inbox"
    folder.mkdir()

    with pytest.raises(inbox.MailNotFound):
        inbox.read_mail(name, folder=folder)


def test_an_address_cannot_write_a_header_into_the_stored_mail(tmp_path):
    name = inbox.store(b"Subject: x\r\n\r\nbody", sender="a\r\nX-Evil: 1", to=["b\nX-Evil: 2"], folder=tmp_path)

    assert "X-Evil" not in dict(inbox.read_mail(name, folder=tmp_path).headers)


def test_a_second_start_is_told_where_the_first_one_runs(tmp_path):
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    first.take("process 1, http://localhost:8000")

    with pytest.raises(AlreadyRunning, match="http://localhost:8000"):
        second.take("process 2")
    first.release()


def wait_for(condition, seconds: float = 5) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_crashed_child_is_started_again_and_its_errors_are_shown(tmp_path, capsys):
    site = Supervisor(tmp_path, dict(os.environ))
    words = "import time; print('ERROR no such thing', flush=True); time.sleep(60)"
    child = Child("web", [sys.executable, "-c", words], stage=1)
    site.add(child)
    first = child.process
    wait_for(lambda: (tmp_path / "log" / "web.log").stat().st_size)
    site.look()

    first.kill()
    wait_for(lambda: (site.look(), child.process is not first)[1])

    shown = capsys.readouterr().err
    assert "[web] ERROR no such thing" in shown
    assert "starting again in 0.5 s" in shown
    site.stop()
    assert not child.is_running()


@pytest.mark.slow
def test_nothing_survives_a_killed_supervisor(tmp_path):
    script = f"""
import os, sys, time
from pathlib import Path
from crisiscomms.embedded.supervisor import Child, Supervisor
site = Supervisor(Path({str(tmp_path)!r}), dict(os.environ))
site.add(Child("gentle", [sys.executable, "-c", "import time; time.sleep(60)"], stage=1))
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
site.add(Child("deaf", [sys.executable, "-c", deaf], stage=1))
print(*[child.process.pid for child in site.children], flush=True)
time.sleep(60)
"""
    starter = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    gentle, deaf = (int(word) for word in starter.stdout.readline().split())
    wait_for(lambda: (tmp_path / "log" / "deaf.log").stat().st_size)
    starter.kill()
    starter.wait()
    starter.stdout.close()

    wait_for(lambda: not is_alive(gentle))
    assert is_alive(deaf)
    end_leftovers(tmp_path)
    assert not is_alive(deaf)


def is_alive(pid: int) -> bool:
    """A process that ended and waits for init to notice counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_secrets_are_made_once_and_only_their_owner_reads_them(tmp_path, monkeypatch):
    for name in local_env.for_site(tmp_path, 8000):  # script/test has set them
        monkeypatch.delenv(name, raising=False)
    first = local_env.for_site(tmp_path, 8000)
    local_env.write(tmp_path / "env", first)

    second = local_env.for_site(tmp_path, 8001)

    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600
    assert second["SECRET_KEY"] == first["SECRET_KEY"] != second["RECORD_SIGNING_KEY"]
    assert second["BASE_URL"] == "http://localhost:8001"
