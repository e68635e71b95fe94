"""The production shape, read without a container daemon: what docker-compose.yml names has to exist."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from django.urls import reverse

from crisiscomms import logs
from crisiscomms.celery import app
from tests.routes import arguments_of, routes

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = {
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "BASE_URL",
    "ALLOWED_HOSTS",
    "DEFAULT_FROM_EMAIL",
    "STORAGE_URL",
    "TRUSTED_PROXIES",
    "RECORD_SIGNING_KEY",
    "HEARTBEAT_URL",
    "CHAT_INSIDE_HOSTS",
    "METRICS_TOKEN",
    "PROXY_SNAPSHOT_DIR",
    *("OIDC_NAME", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"),
    *("OIDC_ROLE_CLAIM", "OIDC_ROLE_MAP", "OIDC_CREATE"),
}
FROM_THEIR_IMAGES = {"redis-server", "redis-cli", "pg_isready", "sh"}

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def commands() -> list[list[str]]:
    found = [service["command"] for service in SERVICES.values() if "command" in service]
    found += [service["healthcheck"]["test"][1:] for service in SERVICES.values() if "healthcheck" in service]
    found.append(re.findall(r'"([^"]+)"', re.search(r"^CMD (.+)$", (ROOT / "Dockerfile").read_text(), re.M)[1]))
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_names_a_program_that_is_there(command):
    program = command[0]
    beside_python = Path(sys.executable).with_name(program)

    assert program in FROM_THEIR_IMAGES or beside_python.exists() or shutil.which(program)
    for word in " ".join(command).split():
        if word.endswith(".py"):
            assert (ROOT / word).exists()
        if re.fullmatch(r"[a-z_.]+:[a-z]+", word):
            assert importlib.util.find_spec(word.partition(":")[0])


@pytest.mark.parametrize("name", OURS)
def test_our_services_get_the_environment_of_the_contract_and_nothing_else(name):
    assert set(OURS[name]["environment"]) == CONTRACT


def test_every_variable_that_has_to_be_filled_in_is_in_the_example():
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    example = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.M))

    assert asked <= example
    assert example - {"POSTGRES_PASSWORD"} == CONTRACT


def test_the_health_of_the_site_is_its_readiness():
    checks = [" ".join(service["healthcheck"]["test"]) for service in OURS.values() if "healthcheck" in service]

    assert checks
    assert all("/readyz" in check for check in checks)


def test_the_workers_together_serve_every_queue_once():
    served = []
    for service in OURS.values():
        words = service.get("command", [])
        if "worker" in words:
            served += words[words.index("--queues") + 1].split(",")

    routed = {route["queue"] for route in app.conf.task_routes.values()} | {
        queue.name for queue in app.conf.task_queues
    }
    assert set(served) == routed
    assert len(served) == len(set(served))


def test_the_local_supervisor_serves_the_same_queues():
    from crisiscomms.embedded.serve import WORKERS

    local = {queue for queues, _ in WORKERS.values() for queue in queues.split(",")}
    assert local == {queue.name for queue in app.conf.task_queues}


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_follows_the_answer_and_asks_by_the_name_of_the_site(status, code):
    asked = []

    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Host"], self.headers["X-Forwarded-Proto"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Site) as server:
        Thread(target=server.handle_request, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/readyz"
        env = os.environ | {"BASE_URL": "https://crisis.example"}
        check = subprocess.run([sys.executable, ROOT / "deploy" / "ready.py", address], env=env, check=False)

    assert check.returncode == code
    assert asked == [("/readyz", "crisis.example", "https")]


def test_redis_never_forgets_a_queue_and_only_the_proxy_is_reached_from_outside():
    assert "noeviction" in SERVICES["redis"]["command"]
    assert SERVICES["redis"]["command"][SERVICES["redis"]["command"].index("--appendonly") + 1] == "yes"
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]


def test_the_time_to_stop_is_one_time_everywhere_and_longer_than_the_slowest_mail_server():
    from django.conf import settings

    from crisiscomms.embedded.serve import GRACE_SECONDS

    def drain(words):
        return int(words[words.index("--workers-kill-timeout") + 1])

    assert {service["stop_grace_period"] for service in OURS.values()} == {f"{GRACE_SECONDS}s"}
    assert GRACE_SECONDS > settings.MAIL_TIMEOUT_SECONDS + 5
    assert all(drain(words) < GRACE_SECONDS for words in commands() if "--workers-kill-timeout" in words)


LINKS = {
    "messaging:approve_link": {"token": "t0ken"},
    "delivery:unsubscribe": {"token": "t0ken"},
    "account_invitation": {"token": "t0ken"},
    "incidents:calendar_feed": {"token": "t0ken"},
    "incidents:hook": {"source": "alertmanager", "key": "t0ken"},
    "account_reset_password_from_key": {"uidb36": "a", "key": "t0ken"},
}


@pytest.mark.parametrize("route", LINKS)
def test_no_token_of_a_link_stands_in_the_log_of_the_proxy_or_of_the_site(route):
    """Nor what stands behind the question mark: the proxy logs the path alone."""
    proxy = (ROOT / "deploy" / "nginx.conf").read_text()
    source, default, pattern = re.search(
        r'map (\S+) \$logged_uri \{\s+default (\S+);\s+"~(.+?)" "\$kind/\[token\]";', proxy
    ).groups()
    path = reverse(route, kwargs=LINKS[route])

    assert (source, default) == ("$uri", "$uri") and "$logged_uri $status" in proxy
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer)\b", proxy.split("server {")[0])
    assert re.search(pattern.replace("(?<", "(?P<"), path)
    assert "t0ken" not in logs.hidden(path)


def test_every_address_with_a_token_is_looked_at_above():
    secret = {"token", "key", "uidb36"}
    found = {name for name, pattern in routes() if secret & arguments_of(pattern)}

    # Their keys name a step and a policy.
    assert found - {"setup_try", "setup_policy", "setup_policy_text", "setup_policy_version"} == set(LINKS)
