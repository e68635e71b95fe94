"""The test databases are copies of one that was migrated once, and what migrations made is kept for the next run.

To migrate an empty database takes longer than most runs of a few files. Kept is a dump by content: other migrations or
other requirements make another one. Without `pg_dump` of the server's own version each run migrates anew.
"""

import fcntl
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from crisiscomms.embedded.postgres import find_binaries
from crisiscomms.embedded.processes import ServiceError

ROOT = Path(__file__).parent.parent
KEPT = ROOT / ".local" / "schemas"
MOST_KEPT = 4
IMPORT = re.compile(
    r"^(?:from|import) ((?:crisiscomms|incidents|stakeholders|messaging|delivery|recovery)[\w.]*)", re.M
)


def template() -> str:
    """The name of a database on this server that has been migrated. Of workers that ask at once, one makes it."""
    key = _key()
    name = f"migrated_{key}"
    KEPT.mkdir(parents=True, exist_ok=True)
    with _only_one(KEPT / "lock"):
        if not _is_there(name):
            _make(name, KEPT / f"{key}.sql")
    return name


def _key() -> str:
    """Of everything that decides what migrating makes."""
    digest = hashlib.sha256()
    ours = sorted([*ROOT.glob("*/migrations/*.py"), *_imported()])
    for path in [*ours, ROOT / "requirements" / "dev.txt"]:
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def _imported() -> Iterator[Path]:
    """What migrations take from the code of today, such as the words of an index."""
    names = {name for path in ROOT.glob("*/migrations/0*.py") for name in IMPORT.findall(path.read_text())}
    for name in names:
        places = (ROOT / name.replace(".", "/"), (ROOT / name.replace(".", "/")).with_suffix(".py"))
        yield from (place for place in places if place.is_file())
        yield from (place for place in places[0].glob("*.py"))


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _is_there(name: str) -> bool:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return cursor.fetchone() is not None


def _make(name: str, dump: Path) -> None:
    """Under another name first: a run that is stopped in the middle leaves nothing that looks whole."""
    unfinished = f"{name}_{os.getpid()}"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{unfinished}"')
    if not (dump.exists() and _run("psql", unfinished, "-q", "-v", "ON_ERROR_STOP=1", "-f", str(dump))):
        _migrate(unfinished)
        _keep(unfinished, dump)
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')


def _migrate(name: str) -> None:
    was = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = was


def _keep(name: str, dump: Path) -> None:
    made = dump.with_suffix(f".{os.getpid()}")
    if _run("pg_dump", name, "--no-owner", "-f", str(made)):
        made.rename(dump)
    made.unlink(missing_ok=True)
    for old in sorted(KEPT.glob("*.sql"), key=lambda one: one.stat().st_mtime)[:-MOST_KEPT]:
        old.unlink()


def _run(program: str, name: str, *words: str) -> bool:
    """Whether it could be done; what cannot be kept or used is made."""
    to = connection.settings_dict
    env = {
        **os.environ, "PGHOST": to["HOST"], "PGPORT": str(to["PORT"]), "PGUSER": to["USER"],
        "PGPASSWORD": to["PASSWORD"], "PGDATABASE": name,
    }  # fmt: skip
    try:
        done = subprocess.run(
            [find_binaries() / program, *words], env={key: value for key, value in env.items() if value},
            capture_output=True, check=False,
        )  # fmt: skip
    except (OSError, ServiceError):
        return False
    return done.returncode == 0
