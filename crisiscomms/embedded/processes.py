"""What every embedded service needs from the operating system: accounts, parent death, leftovers, logs."""

import ctypes
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

LOCAL = Path(__file__).resolve().parent.parent.parent / ".local"
SOCKET_PATH_LIMIT = 107
LOG_BYTES_KEPT = 10_000_000
NOT_INSTALLED = (
    "Neither the bundled services nor their programs are here: install PostgreSQL and Redis so that `postgres` "
    "and `redis-server` are on PATH, or set DATABASE_URL and REDIS_URL."
)

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ServiceError(Exception):
    """An embedded service cannot start. The text is fit to show to the person who started it."""


@dataclass(frozen=True)
class Account:
    """The user that PostgreSQL runs as when we are root, because it refuses root."""

    uid: int
    gid: int


def dies_with_parent(number: int) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends this signal when the starting *thread* ends, so start from the main thread."""
    parent = os.getpid()

    def before_exec() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:  # the parent died before the line above
                os._exit(1)

    return before_exec


def account_for(directory: Path) -> Account | None:
    """None when we are not root. Data that exists keeps the account that owns it."""
    if os.geteuid() != 0:
        return None
    if directory.exists() and directory.stat().st_uid != 0:
        owner = directory.stat()
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ServiceError("PostgreSQL refuses to run as root and there is no user `postgres` or `nobody` to run it as.")


def spawn(
    argv: list[str], *, account: Account | None, needs: Iterable[Path], death: int, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a program in its own session, as `account` if given, stopped by signal `death` if we die.

    `needs` are paths that the account has to enter. A checkout under /root is closed to it: then the program keeps
    the one capability that lets it pass, which is gentler than opening root's home to everyone.
    """
    if account is None or all(_may_enter(path, account) for path in needs):
        if account is not None:
            options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
        return subprocess.Popen(argv, start_new_session=True, preexec_fn=dies_with_parent(death), **options)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ServiceError(
            "PostgreSQL refuses to run as root, and another user cannot enter this directory. "
            "Start as a user other than root, or move the checkout out of root's home (to /srv, for example)."
        )
    # Without that securebit access(2) forgets the capability, and initdb asks access(2).
    keep = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", "--securebits=+no_setuid_fixup"]
    keep += [
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        f"--pdeathsig={signal.Signals(death).name[3:]}",
    ]
    return subprocess.Popen([setpriv, *keep, *argv], start_new_session=True, **options)


def _may_enter(path: Path, account: Account) -> bool:
    for directory in (path, *path.parents):
        if not directory.is_dir():
            continue
        found = directory.stat()
        if found.st_uid == account.uid:
            allowed = found.st_mode & stat.S_IXUSR
        elif found.st_gid == account.gid:
            allowed = found.st_mode & stat.S_IXGRP
        else:
            allowed = found.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def socket_directory(wanted: Path, *, longest_name: int, account: Account | None = None) -> Path:
    """`wanted`, or a short one of our own under the system's temporary directory when a socket's path gets too long."""
    if len(os.fsencode(wanted)) + 1 + longest_name > SOCKET_PATH_LIMIT:
        digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
        wanted = Path(tempfile.gettempdir()) / f"crisiscomms-{digest}"
    wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    allowed = {os.geteuid()} | ({account.uid} if account else set())
    if wanted.is_symlink() or wanted.stat().st_uid not in allowed:
        raise ServiceError(f"{wanted} belongs to somebody else; remove it and start again.")
    if account is not None:
        os.chown(wanted, account.uid, account.gid)
    wanted.chmod(0o700)
    return wanted


def left_behind(program: str, directory: Path, *marks: str) -> list[psutil.Process]:
    """Running processes of this program that work in this directory, or name one of the marks in their command line."""
    found = []
    for process in psutil.process_iter(["name", "cwd", "cmdline"]):
        if process.info["name"] != program or process.pid == os.getpid():
            continue
        words = " ".join(process.info["cmdline"] or [])
        if process.info["cwd"] == str(directory) or any(mark in words for mark in marks):
            found.append(process)
    return found


def end(found: list[psutil.Process], *numbers: int, patience: float = 8) -> None:
    """Send the signals in turn until all are gone, SIGKILL last."""
    for number in (*numbers, signal.SIGKILL):
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, found = psutil.wait_procs(found, timeout=patience)
        if not found:
            return


def stop_child(process: subprocess.Popen[bytes], *numbers: int, patience: float = 10) -> None:
    """Like `end`, for a process that we started and have to reap."""
    for number in (*numbers, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def open_log(path: Path) -> Any:
    """Opened for appending; one older file is kept when it has grown large."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES_KEPT:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def tail(path: Path, lines: int = 15) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8_000))
        return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
