"""Personas, a fixed moment, the shipped policies, and page rules on every response."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client

from crisiscomms import clock
from crisiscomms.models import User
from delivery.channels import email as door
from tests import factories, kept_schema, shipped
from tests.page_rules import check_page
from tests.peers.smtp_sink import SmtpSink

# Playwright keeps an event loop in the worker that runs the browser tests; Django would take the tests after them
# for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# A real password hash costs a third of a second, and every test makes people. Set before the first is made.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

NOW = datetime(2026, 11, 17, 13, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: Any) -> None:
    """Each worker's database begins as a copy of one that is migrated."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = kept_schema.template()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(autouse=True)
def _the_clock_stands_at_now(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything that asks for the time gets NOW, unless a test is marked `browser` (its server is its own process)."""
    if request.node.get_closest_marker("browser"):
        yield
        return
    with clock.at(NOW):
        yield


@pytest.fixture(autouse=True)
def _fresh_broker_and_door() -> Iterator[None]:
    door.reset_session()
    yield
    door.reset_session()


@pytest.fixture(autouse=True, scope="session")
def _tests_may_empty_the_record() -> Iterator[None]:
    """Between tests with transactions the tables are emptied, which the record refuses everybody else."""
    flush = DatabaseOperations.execute_sql_flush

    def behind_the_triggers(self: Any, sql_list: list[str]) -> None:
        role = "SET LOCAL session_replication_role = {}".format
        flush(self, [role("replica"), *sql_list, role("origin")])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", behind_the_triggers)
        yield


@pytest.fixture
def policies(db: None) -> None:
    """The shipped policies and starter templates. Playbooks open tasks: who tests those writes them."""
    shipped.put(NOW)
    cache.clear()


@pytest.fixture
def ada(policies: None) -> User:
    """Writes: product marketing."""
    return factories.make_user("ada", roles=["product_marketing"])


@pytest.fixture
def ben(policies: None) -> User:
    """Approves: an executive."""
    return factories.make_user("ben", roles=["executive"])


@pytest.fixture
def dora(policies: None) -> User:
    """A second executive."""
    return factories.make_user("dora", roles=["executive"])


@pytest.fixture
def cleo(policies: None) -> User:
    """An outsider: sales."""
    return factories.make_user("cleo", roles=["sales"])


@pytest.fixture
def olga(policies: None) -> User:
    """Administers."""
    return factories.make_user("olga", roles=["administrator"])


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A real SMTP server that counts; settings point at it for the test."""
    from django.test import override_settings

    from crisiscomms.environment import MailServer

    with SmtpSink() as server, override_settings(MAIL_SERVER=MailServer("smtp", "127.0.0.1", server.port)):
        door.reset_session()
        yield server
        door.reset_session()


Browse = Callable[..., Any]


@pytest.fixture
def browse() -> Browse:
    """Ask for a page as somebody (or nobody) and hold the response to the page rules.

    `data` makes it a POST; `htmx=True` asks as htmx does.
    """

    def ask(
        user: User | None, url: str, data: dict[str, Any] | None = None, *, htmx: bool = False, **extra: Any
    ) -> Any:
        client = Client()
        if user is not None:
            client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        headers = {"HX-Request": "true"} if htmx else {}
        response = (
            client.get(url, headers=headers, **extra)
            if data is None
            else client.post(url, data, headers=headers, **extra)
        )
        check_page(response, is_partial=htmx)
        return response

    return ask
