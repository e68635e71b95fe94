"""Runs the site's processes on one machine: starts them, restarts what crashes, stops all of it in order."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from crisiscomms.embedded import processes

# In the environment of every child: how the next start recognises what a killed supervisor left behind.
MARK = "CRISISCOMMS_SUPERVISED_IN"
GAPS = (0.5, 1, 2, 5, 10, 30)
STEADY_SECONDS = 60
ERROR_LINE = re.compile(
    r'"level": "(error|critical)"|\[(ERROR|CRITICAL)|^(ERROR|CRITICAL)\b|^Traceback |^\w*Error: |: ERROR/'
)
SHOWN_PER_LOOK = 3


class Service(Protocol):
    """What the supervisor needs of PostgreSQL and Redis."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def is_running(self) -> bool: ...


class AlreadyRunning(Exception):
    """Another supervisor holds this directory. The text says which one."""


class Lock:
    """One supervisor per directory. The kernel frees the lock however its holder ends; the text in it is for people."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+")

    def take(self, words: str) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip()
            self.release()
            raise AlreadyRunning(holder) from None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(words)
        self._file.flush()

    def release(self) -> None:
        self._file.close()


@dataclass
class Child:
    """One program of the site. Lower `stage` stops first; `death` is what it gets if the supervisor is killed."""

    name: str
    argv: list[str]
    stage: int
    death: int = signal.SIGTERM
    grace: float = 10
    process: subprocess.Popen[bytes] | None = None
    started: float = 0
    crashes: int = 0
    start_again_at: float = 0
    read_to: int = field(default=0, repr=False)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Owns the children from `add` to `stop`. Everything happens in the main thread; see `dies_with_parent`."""

    def __init__(self, directory: Path, env: dict[str, str]) -> None:
        self.directory = directory
        self.env = env | {MARK: str(directory)}
        self.services: list[tuple[str, Service]] = []
        self.children: list[Child] = []
        self.stopping = False

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)

    def _asked_to_stop(self, *_: object) -> None:
        if self.stopping:  # asked twice: do not wait for running work
            for child in self.children:
                child.grace = 0.5
        self.stopping = True

    def serve(self, name: str, service: Service) -> None:
        service.start()
        self.services.append((name, service))

    def add(self, child: Child) -> None:
        self.children.append(child)
        self._start(child)

    def log_of(self, name: str) -> Path:
        return self.directory / "log" / f"{name}.log"

    def watch(self) -> None:
        """Until somebody asks to stop."""
        while not self.stopping:
            self.look()
            time.sleep(0.25)

    def look(self) -> None:
        """One round: services first, because children crash without them."""
        for name, service in self.services:
            if not service.is_running():
                self.say(name, "stopped by itself; starting it again")
                service.start()
        for child in self.children:
            self._show_errors(child)
            if not child.is_running():
                self._restart(child)

    def stop(self) -> None:
        """Children stage by stage, then services in the reverse order of their start."""
        for stage in sorted({child.stage for child in self.children}):
            self._stop_stage([child for child in self.children if child.stage == stage])
        for _, service in reversed(self.services):
            service.stop()

    def say(self, name: str, text: str) -> None:
        print(f"[{name}] {text}", file=sys.stderr, flush=True)

    def _start(self, child: Child) -> None:
        path = self.log_of(child.name)
        with processes.open_log(path) as log:
            child.read_to = path.stat().st_size
            child.process = processes.spawn(
                child.argv,
                account=None,
                needs=[],
                death=child.death,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        child.started = time.monotonic()
        child.start_again_at = 0

    def _restart(self, child: Child) -> None:
        """Start a crashed child again after a gap that grows while it keeps crashing."""
        now = time.monotonic()
        if not child.start_again_at:
            assert child.process is not None
            self._end_group(child, signal.SIGKILL)
            if now - child.started > STEADY_SECONDS:
                child.crashes = 0
            gap = GAPS[min(child.crashes, len(GAPS) - 1)]
            child.crashes += 1
            child.start_again_at = now + gap
            code, log = child.process.returncode, self.log_of(child.name)
            self.say(child.name, f"ended with {code}; starting again in {gap:g} s (log: {log})")
        elif now >= child.start_again_at:
            self._start(child)

    def _stop_stage(self, children: list[Child]) -> None:
        for child in children:
            if child.process is not None and child.is_running():
                child.process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        while any(child.is_running() and time.monotonic() - begun < child.grace for child in children):
            time.sleep(0.05)
        for child in children:
            if child.is_running():
                self.say(child.name, f"was still working after {child.grace:g} s; stopped")
            self._end_group(child, signal.SIGKILL)
            if child.process is not None:
                child.process.wait()

    def _end_group(self, child: Child, number: int) -> None:
        """Each child leads a session of its own, so this reaches the processes that it started too."""
        if child.process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, number)

    def _show_errors(self, child: Child) -> None:
        """Repeat a few error lines of the log on the terminal, cut short; the log has the rest."""
        path = self.log_of(child.name)
        with path.open("rb") as file:
            file.seek(child.read_to)
            fresh = file.read(200_000)
            child.read_to = file.tell()
        lines = [line for line in fresh.decode("utf-8", "replace").splitlines() if ERROR_LINE.search(line)]
        for line in lines[:SHOWN_PER_LOOK]:
            self.say(child.name, line[:200])
        if len(lines) > SHOWN_PER_LOOK:
            self.say(child.name, f"and {len(lines) - SHOWN_PER_LOOK} more in {path}")


def end_leftovers(directory: Path) -> None:
    """Stop the children of a supervisor that was killed. Call only while holding the lock."""
    left = list(_marked(directory))
    if left:
        processes.end(left, signal.SIGTERM, patience=1)


def _marked(directory: Path) -> Iterable[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == str(directory):
                yield process
        except (psutil.Error, OSError):
            continue
