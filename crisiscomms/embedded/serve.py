"""The whole site on this machine: `script/server`."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from crisiscomms.embedded import local_env, processes, supervisor
from crisiscomms.embedded.postgres import Postgres
from crisiscomms.embedded.processes import ServiceError
from crisiscomms.embedded.redis import Redis
from crisiscomms.embedded.supervisor import Child, Supervisor

READY_SECONDS = 90
# As docker-compose.yml has it: the mail server's slowest answer (15 s), and time to write down what came of it.
GRACE_SECONDS = 30
CELERY = [sys.executable, "-m", "celery", "--app", "crisiscomms.celery:app"]
# Queues and processes of each worker. Deadlines never wait behind mail, team mail not behind customers', and neither
# behind an import.
WORKERS = {
    "worker-deadlines": ("deadlines,default", 1),
    "worker-approvals": ("approvals", 1),
    "worker-delivery": ("delivery", 2),
    "worker-imports": ("imports", 1),
}
LOGINS = """\
Demo logins (password: demo)
  pmm@demo.example       product marketing        pr@demo.example     public relations
  product@demo.example   product                  cs@demo.example     customer success
  legal@demo.example     legal                    security@demo.example
  exec@demo.example      executive, approves      sales@demo.example  sales portal
  admin@demo.example     administration"""
FIRST_PERSON = """\
Nobody is here yet. Create the first person with
  script/manage create_admin you@company.example
or open {address}/welcome/ and follow the set-up checklist."""


def serve(directory: Path, *, empty: bool) -> int:
    """Run until asked to stop. Returns the exit code."""
    port = _port()
    lock = supervisor.Lock(directory / "server.lock")
    lock.take(f"process {os.getpid()}, http://localhost:{port}, data in {directory}")
    supervisor.end_leftovers(directory)
    if not local_env.is_free(port):
        raise ServiceError(f"Port {port} is taken by another program. Choose one: PORT=8001 script/server")
    site = Supervisor(directory, dict(os.environ))
    site.listen()
    try:
        site.env |= local_env.for_site(directory, port)
        start_services(site, directory)
        local_env.write(directory / "env", {name: site.env[name] for name in _written(site.env)})
        found = _prepare(site, empty=empty)
        # On two cores everything at once doubles the time to the first page; work that waits a second is not lost.
        for start in (_start_web, _wait_until_ready, _start_workers):
            if not site.stopping:
                start(site, port)
        _greet(site, f"http://localhost:{port}", found)
        site.watch()
    finally:
        print("Stopping…", flush=True)
        site.stop()
    return 0


def start_services(site: Supervisor, directory: Path) -> None:
    """PostgreSQL and Redis, unless the environment names others."""
    sockets, log = directory / "run", directory / "log"
    if "DATABASE_URL" not in site.env:
        postgres = Postgres(directory / "postgres", sockets=sockets / "postgres", log=log / "postgres.log")
        site.serve("postgres", postgres)
        site.env["DATABASE_URL"] = postgres.url
    if "REDIS_URL" not in site.env:
        redis = Redis(directory / "redis", sockets=sockets / "redis", log=log / "redis.log")
        site.serve("redis", redis)
        site.env["REDIS_URL"] = redis.url


def _port() -> int:
    text = os.environ.get("PORT", "8000")
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ServiceError(f"PORT is {text!r}; it has to be a number such as 8000.")
    return int(text)


def _written(env: dict[str, str]) -> list[str]:
    """What `script/manage` needs to talk to the same site."""
    names = ("SECRET_KEY", "RECORD_SIGNING_KEY", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "LOCAL_INBOX_DIR")
    more = ("LOCAL_MODE", "BASE_URL", "ALLOWED_HOSTS", "DEFAULT_FROM_EMAIL", "STORAGE_URL", "TRUSTED_PROXIES")
    return [name for name in names + more if name in env]


def _prepare(site: Supervisor, *, empty: bool) -> dict[str, bool]:
    """In a process of its own: the supervisor stays small and never opens the database."""
    argv = [sys.executable, "-m", "crisiscomms.embedded.prepare", *(["--empty"] if empty else [])]
    worker = processes.spawn(argv, account=None, needs=[], death=signal.SIGKILL, env=site.env, stdout=subprocess.PIPE)
    output = None
    while output is None:
        try:
            output, _ = worker.communicate(timeout=0.2)
        except subprocess.TimeoutExpired:
            if site.stopping:
                worker.kill()  # migrations are transactions, and so is the demo
    if site.stopping:
        return {}
    if worker.returncode != 0:
        raise ServiceError("The database could not be brought up to date; the lines above say why.")
    answer: dict[str, bool] = json.loads(output.splitlines()[-1])
    return answer


def _start_web(site: Supervisor, port: int) -> None:
    """Stages say the order of stopping: no new work, then running work, then the inbox that takes its mail."""
    python = sys.executable
    if site.env.get("LOCAL_INBOX_DIR"):
        mail_port = site.env["EMAIL_URL"].rpartition(":")[2]
        argv = [python, "-m", "crisiscomms.embedded", "inbox", site.env["LOCAL_INBOX_DIR"], mail_port]
        site.add(Child("inbox", argv, stage=3))
    web = [python, "-m", "granian", "--interface", "wsgi", "--no-ws", "--host", "127.0.0.1", "--port", str(port)]
    web += ["--workers", "2", "--blocking-threads", "4", "--respawn-failed-workers", "--workers-kill-timeout", "20"]
    site.add(Child("web", [*web, "crisiscomms.wsgi:application"], stage=2, grace=GRACE_SECONDS))


def _start_workers(site: Supervisor, _port: int) -> None:
    for name, (queues, concurrency) in WORKERS.items():
        argv = [*CELERY, "worker", "--queues", queues, "--hostname", f"{name}@localhost", "--loglevel", "WARNING"]
        argv += ["--concurrency", str(concurrency), "--without-gossip", "--without-mingle"]
        site.add(Child(name, argv, stage=2, death=signal.SIGKILL, grace=GRACE_SECONDS))
    schedule = str(site.directory / "beat-schedule")
    site.add(Child("beat", [*CELERY, "beat", "--schedule", schedule, "--pidfile=", "--loglevel", "WARNING"], stage=1))


def _wait_until_ready(site: Supervisor, port: int) -> None:
    limit = time.monotonic() + READY_SECONDS
    while not site.stopping:
        if _answers(f"http://127.0.0.1:{port}/healthz"):
            return
        if time.monotonic() > limit:
            log = site.log_of("web")
            raise ServiceError(
                f"The site did not answer within {READY_SECONDS} s. The end of {log}:\n{processes.tail(log)}"
            )
        site.look()
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": "localhost"}), timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _greet(site: Supervisor, address: str, found: dict[str, bool]) -> None:
    if site.stopping:
        return
    print(f"\nReady: {address}")
    if found["demo"]:
        print(LOGINS)
    elif not found["people"]:
        print(FIRST_PERSON.format(address=address))
    if site.env.get("LOCAL_INBOX_DIR"):
        print(f"Mail that the site sends stays here: {address}/inbox/")
    print("Ctrl-C stops everything.", flush=True)
