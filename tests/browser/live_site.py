"""The whole site as `script/server` runs it, for one test session: own database, Redis, inbox, workers and beat."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from crisiscomms.embedded import inbox, local_env, processes

ROOT = Path(__file__).resolve().parents[2]
SERVE = "import sys, pathlib; from crisiscomms.embedded import serve; "
SERVE += "sys.exit(serve.serve(pathlib.Path(sys.argv[1]), empty=sys.argv[2] == 'empty'))"
SCENE = "import json, sys, django; django.setup(); from tests.browser import scenes; "
SCENE += "print(json.dumps(getattr(scenes, sys.argv[1])(**json.loads(sys.argv[2]))))"
# What script/test sets for the test process; the site decides these for itself.
ITS_OWN = ("REDIS_URL", "EMAIL_URL", "LOCAL_INBOX_DIR", "STORAGE_URL", "BASE_URL", "SECRET_KEY", "RECORD_SIGNING_KEY")
START_SECONDS = 120
PATIENCE = 30


@dataclass(frozen=True)
class LiveSite:
    url: str
    directory: Path

    def scene(self, name: str, **facts: Any) -> dict[str, Any]:
        """Let something have happened already: one of tests/browser/scenes.py, in a process of the site's own."""
        argv = [sys.executable, "-c", SCENE, name, json.dumps(facts)]
        env = local_env.read(self.directory / "env") | {"DJANGO_SETTINGS_MODULE": "crisiscomms.settings"}
        ended = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE * 2)
        assert ended.returncode == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def mails(self, *words: str) -> list[inbox.Mail]:
        """Mails with all these words in addresses or subject, newest first."""
        folder = self.directory / "inbox"
        found = inbox.list_mails(2_000, query=" ".join(words), folder=folder)
        return [inbox.read_mail(one.name, folder=folder) for one in found]

    def mail(self, *words: str) -> inbox.Mail:
        """The newest such mail; waits for the first."""
        wait_for(lambda: self.mails(*words), f"a mail with {words}")
        return self.mails(*words)[0]


def wait_for(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Until it is so; for what happens outside of the browser."""
    limit, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < limit, f"{what}: not within {seconds} s"
        pause.wait(0.1)


@contextmanager
def running(*, empty: bool = False) -> Iterator[LiveSite]:
    """The site from its first byte to its clean stop. `empty` leaves out the demo."""
    directory = Path(tempfile.mkdtemp(prefix="cc-site-"))
    directory.chmod(0o711)
    try:
        with _own_database() as database:
            port = local_env.free_port()
            env = {name: value for name, value in os.environ.items() if name not in ITS_OWN}
            env |= {"DATABASE_URL": database, "PORT": str(port), "BASE_URL": f"http://localhost:{port}"}
            with _served(directory, env, empty=empty):
                yield LiveSite(f"http://localhost:{port}", directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _served(directory: Path, env: dict[str, str], *, empty: bool) -> Iterator[None]:
    log = directory / "serve.log"
    argv = [sys.executable, "-c", SERVE, str(directory), "empty" if empty else "demo"]
    with log.open("w") as output:
        site = subprocess.Popen(
            argv,
            env=env,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=processes.dies_with_parent(signal.SIGTERM),
        )
    try:
        wait_for(lambda: "Ready:" in log.read_text() or site.poll() is not None, "the site", START_SECONDS)
        assert site.poll() is None, log.read_text()
        yield
    finally:
        site.terminate()
        site.wait(60)
    assert site.returncode == 0, log.read_text()


@contextmanager
def _own_database() -> Iterator[str]:
    """A database of its own on the PostgreSQL that the tests have."""
    given = os.environ["DATABASE_URL"]
    name = f"browser_{secrets.token_hex(4)}"
    _execute(given, f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(given)._replace(path=f"/{name}"))
    finally:
        _execute(given, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
