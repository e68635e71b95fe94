"""The API keeps to its own description, and the description is valid."""

import json
from collections.abc import Callable
from contextlib import suppress
from itertools import count, product
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from crisiscomms.api import schema
from crisiscomms.wsgi import application
from tests.api.asking import make
from tests.world import World, furnish, make_world

CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance),
    *(response_schema_conformance, negative_data_rejection, unsupported_method),
]
EXAMPLES = 12


def test_the_description_is_valid_and_complete(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


def test_anybody_may_read_the_description(client, db):
    answer = client.get("/api/schema/")

    assert answer.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    assert answer.json()["openapi"].startswith("3.0")


def test_every_operation_says_what_it_is_for_and_how_it_is_refused():
    operations = [one for path in json.loads(schema.document())["paths"].values() for one in path.values()]

    assert operations
    assert [one["operationId"] for one in operations if "401" not in one["responses"] or not one["summary"]] == []


@pytest.fixture
def world(policies, settings, tmp_path) -> Any:
    """The requests run in this test's transaction: nothing may close its connection."""
    furnish(settings, tmp_path)
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield make_world()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def without_security(description: dict[str, Any]) -> dict[str, Any]:
    """Every request has a token of ours: making up others is for the tests of tokens."""
    for operation in (one for path in description["paths"].values() for one in path.values()):
        operation.pop("security", None)
    return description


@pytest.mark.slow
def test_whatever_is_asked_the_answers_conform_to_the_description(world: World):
    described = schemathesis.openapi.from_dict(without_security(json.loads(schema.document())))
    described.app = application
    tokens = [make(world.people[who]) for who in ("workshop", "asked", "sales")]
    turns = count()

    def ask(case: Any, mode: GenerationMode) -> None:
        turn = next(turns)
        if mode is GenerationMode.POSITIVE and turn % 2:
            # Numbers that are made up find nothing; every other time something is there.
            case.path_parameters = {name: world.open[name] for name in case.path_parameters or {}}
        token = tokens[turn % len(tokens)]
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    for found, mode in product(described.get_all_operations(), GenerationMode):
        conforms(found.ok(), mode, ask)

    assert next(turns) > 200


def conforms(operation: Any, mode: GenerationMode, ask: Callable[[Any, GenerationMode], None]) -> None:
    @effort(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=HealthCheck)
    @given(case=operation.as_strategy(generation_mode=mode))
    def keeps(case: Any) -> None:
        ask(case, mode)

    # What takes no values cannot be given wrong ones.
    with suppress(Unsatisfiable):
        keeps()
