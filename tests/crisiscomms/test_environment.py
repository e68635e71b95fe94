"""A wrong environment stops the start with the variable's name and a way to mend it."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from crisiscomms import environment
from crisiscomms.environment import ConfigurationError, MailServer

GOOD = {
    "SECRET_KEY": "s" * 50,
    "RECORD_SIGNING_KEY": "r" * 40,
    "DATABASE_URL": "postgresql://u:p@db:5432/crisis",
    "REDIS_URL": "redis://cache:6379/0",
    "BASE_URL": "https://crisis.example.com",
    "EMAIL_URL": "smtp://mail.example.com:25",
    "DEFAULT_FROM_EMAIL": "updates@crisis.example.com",
}


@pytest.fixture
def read(monkeypatch):
    """Read an environment of its own, past the cache."""

    def read_with(**changes):
        for name in environment.Environment.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in {**GOOD, **changes}.items():
            if value is not None:
                monkeypatch.setenv(name, value)
        return environment.read.__wrapped__()

    return read_with


def test_a_whole_environment_is_read(read):
    found = read(LOCAL_MODE="1", TRUSTED_PROXIES="2")

    assert (found.secret_key, found.local_mode, found.trusted_proxies) == ("s" * 50, True, 2)
    assert read().local_mode is False


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("SECRET_KEY", "a random text"),
        ("RECORD_SIGNING_KEY", "kept apart from SECRET_KEY"),
        ("DATABASE_URL", "postgresql://"),
        ("REDIS_URL", "redis://"),
    ],
)
def test_a_missing_variable_is_named_with_a_way_to_mend_it(read, name, hint):
    with pytest.raises(ConfigurationError, match=name) as stopped:
        read(**{name: None})

    assert hint in str(stopped.value) and "Set it to" in str(stopped.value)


def test_all_that_is_missing_is_said_at_once(read):
    with pytest.raises(ConfigurationError) as stopped:
        read(SECRET_KEY=None, REDIS_URL=None)

    assert len(str(stopped.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("RECORD_SIGNING_KEY", "x" * 31),
        ("BASE_URL", "crisis.example.com"),
        ("BASE_URL", "ftp://crisis.example.com"),
        ("TRUSTED_PROXIES", "two"),
        ("LOCAL_MODE", "perhaps"),
    ],
)
def test_a_malformed_variable_is_named_and_its_value_is_not_shown(read, name, value):
    with pytest.raises(ConfigurationError, match=name) as stopped:
        read(**{name: value})

    assert name == "LOCAL_MODE" or value not in str(stopped.value).replace(environment.HINTS["base_url"], "")


@pytest.mark.parametrize(
    ("check", "name", "value"),
    [
        (environment.database, "DATABASE_URL", "mysql://u:p@db/crisis"),
        (environment.database, "DATABASE_URL", "postgresql://u:p@db"),
        (environment.database, "DATABASE_URL", "postgresql://u:p@db:port/crisis"),
        (environment.broker, "REDIS_URL", "amqp://cache"),
        (environment.broker, "REDIS_URL", ""),
        (environment.mail_server, "EMAIL_URL", "smtp://"),
        (environment.mail_server, "EMAIL_URL", "imap://mail"),
        (environment.mail_server, "EMAIL_URL", "smtp://mail:many"),
        (environment.storage_directory, "STORAGE_URL", "s3://bucket"),
    ],
)
def test_an_address_that_leads_nowhere_is_named(check, name, value):
    with pytest.raises(ConfigurationError, match=name):
        check(value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("console:", MailServer("console")),
        ("smtp://mail.example", MailServer("smtp", "mail.example", 25)),
        ("smtp://mail.example:2525", MailServer("smtp", "mail.example", 2525)),
        ("submission://u%40x:p%2Fw@mail.example", MailServer("smtp", "mail.example", 587, "u@x", "p/w", "starttls")),
        ("smtps://mail.example", MailServer("smtp", "mail.example", 465, "", "", "implicit")),
        ("smtp://mail.example?tls=starttls", MailServer("smtp", "mail.example", 25, "", "", "starttls")),
    ],
)
def test_mail_servers_are_read_from_their_address(url, expected):
    assert environment.mail_server(url) == expected


def test_a_database_may_be_a_socket_and_a_password_may_hold_signs():
    socket = environment.database("postgresql://u@/crisis?host=/run/pg&sslmode=disable")
    remote = environment.database("postgres://u:p%40ss@db:6000/crisis")

    assert (socket["HOST"], socket["NAME"], socket["OPTIONS"]["sslmode"]) == ("/run/pg", "crisis", "disable")
    assert (remote["PASSWORD"], remote["PORT"]) == ("p@ss", "6000")


def test_celery_gets_its_own_name_for_a_socket():
    assert environment.broker("unix:///run/redis.sock?db=1") == "redis+socket:///run/redis.sock?virtual_host=1"
    assert environment.broker("rediss://cache:6380/1") == "rediss://cache:6380/1"


def test_each_purpose_has_a_key_of_its_own():
    keys = {environment.derived_key("secret", purpose) for purpose in ("audit", "device", "unsubscribe")}

    assert len(keys) == 3 and environment.derived_key("secret", "audit") in keys


@pytest.mark.slow
def test_a_real_start_stops_with_words_and_no_traceback():
    env = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}

    ended = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=settings.BASE_DIR, env=env, capture_output=True, text=True
    )

    assert ended.returncode == 1 and "REDIS_URL is missing" in ended.stderr and "Traceback" not in ended.stderr
