"""A private PostgreSQL and Redis for one command (tests, benchmarks), thrown away afterwards."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from crisiscomms.embedded import local_env, processes
from crisiscomms.embedded.postgres import Postgres
from crisiscomms.embedded.redis import Redis
from crisiscomms.embedded.serve import start_services
from crisiscomms.embedded.supervisor import AlreadyRunning, Lock, Supervisor, end_leftovers

PREFIX = "crisiscomms-run-"
OLD_SECONDS = 60


def run(command: list[str], *, fast: bool) -> int:
    """Run with services of its own, unless DATABASE_URL and REDIS_URL name others. Returns the command's exit code."""
    with ExitStack() as stack:
        env = dict(os.environ) | local_env.for_tests()
        if not {"DATABASE_URL", "REDIS_URL", "STORAGE_URL"} <= env.keys():
            directory = stack.enter_context(_private_directory())
            env.setdefault("STORAGE_URL", f"file://{directory / 'files'}")
            stack.enter_context(_services(directory, env, fast=fast))
        return _run_in_foreground(command, env)


def manage(arguments: list[str], directory: Path) -> int:
    """manage.py on the local site's data: on its running services, else on services started for this one command."""
    argv = [sys.executable, "manage.py", *arguments]
    lock = Lock(directory / "server.lock")
    try:
        lock.take(f"process {os.getpid()}, script/manage {' '.join(arguments)}")
    except AlreadyRunning:
        return _run_in_foreground(argv, local_env.read(directory / "env") | dict(os.environ))
    end_leftovers(directory)
    site = Supervisor(directory, dict(os.environ) | local_env.for_site(directory, 8000))
    try:
        start_services(site, directory)
        local_env.write(directory / "env", local_env.read(directory / "env") | {n: site.env[n] for n in local_env.KEPT})
        return _run_in_foreground(argv, site.env)
    finally:
        site.stop()


@contextmanager
def _services(directory: Path, env: dict[str, str], *, fast: bool) -> Iterator[None]:
    """Put the URLs of what was started into `env`."""
    log = directory / "log"
    with ExitStack() as stack:
        if "DATABASE_URL" not in env:
            postgres = Postgres(directory / "postgres", sockets=directory / "pg", log=log / "postgres.log", fast=fast)
            stack.callback(postgres.stop)
            postgres.start()
            env["DATABASE_URL"] = postgres.url
        if "REDIS_URL" not in env:
            redis = Redis(directory / "redis", sockets=directory / "rd", log=log / "redis.log", fast=fast)
            stack.callback(redis.stop)
            redis.start()
            env["REDIS_URL"] = redis.url
        yield


@contextmanager
def _private_directory() -> Iterator[Path]:
    """Removed at the end; one that a killed run left is removed by the next run."""
    root = Path(tempfile.gettempdir())
    for old in root.glob(f"{PREFIX}*"):
        _remove_if_abandoned(old)
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    directory.chmod(0o711)  # PostgreSQL may run as another user and has to pass through
    with (directory / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def _remove_if_abandoned(directory: Path) -> None:
    """Its lock is free and it is not being made at this moment: nobody uses it. Servers still in it are stopped."""
    try:
        if directory.stat().st_uid != os.geteuid() or time.time() - directory.stat().st_mtime < OLD_SECONDS:
            return
        with (directory / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            postgres = processes.left_behind("postgres", directory / "postgres", f"-D {directory}/postgres -c")
            redis = processes.left_behind("redis-server", directory / "redis")
            processes.end(postgres + redis, signal.SIGQUIT, patience=3)
            shutil.rmtree(directory, ignore_errors=True)
    except OSError:
        return


def _run_in_foreground(argv: list[str], env: dict[str, str]) -> int:
    """The command keeps the terminal. Ctrl-C reaches it directly; we wait for it and then clean up."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGQUIT)}
    parent_death = processes.dies_with_parent(signal.SIGTERM)

    def before_exec() -> None:
        for number in before:
            signal.signal(number, signal.SIG_DFL)
        parent_death()

    try:
        command = subprocess.Popen(argv, env=env, preexec_fn=before_exec)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, _: command.send_signal(received))
        code = command.wait()
    except FileNotFoundError:
        print(f"{argv[0]}: no such command", file=sys.stderr)
        return 127
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
