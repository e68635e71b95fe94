"""The log: JSON, with the number of the request or task on each line, and nothing about people (faults, O5)."""

import io
import json
import logging

import pytest
import structlog
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.test import Client

from crisiscomms.celery import app
from crisiscomms.models import Notice, User
from delivery import sender, sweeping, team_mail
from messaging.models import ApprovalLink
from stakeholders import actions as stakeholders
from stakeholders.imports import running
from stakeholders.models import Contact
from tests import factories
from tests.conftest import NOW
from tests.delivery.ground import SOON
from tests.visits import sign_in

LEVELS = ("crisiscomms", "django_structlog", "")


@pytest.fixture
def log():
    """Everything that is written, also what the levels leave out in production."""
    written, changed = io.StringIO(), []
    for name in LEVELS:
        logger = logging.getLogger(name)
        streams = [(one, one.setStream(written)) for one in logger.handlers if type(one) is logging.StreamHandler]
        changed.append((logger, logger.level, streams))
        logger.setLevel(logging.INFO)
    yield written
    for logger, level, streams in changed:
        logger.setLevel(level)
        for handler, stream in streams:
            handler.setStream(stream)


def lines(log):
    return [json.loads(line) for line in log.getvalue().splitlines()]


TEXT = "Zanzibar payments stumble since {{ began_at }}."
SECRETS = ("Zanzibar", "Quennell", "Wilhelmina", "@", "+49 40 5550", "correct horse", "Perivale")


@pytest.mark.django_db(transaction=True)
def test_o5_nothing_about_people_and_no_text_stands_in_the_log_of_a_whole_run(log, ada, ben, sink):
    """Declare, import, ask, approve by link, send, fail: what is grepped for is everything personal of the run."""
    sink.rules.behave = lambda recipient: "rcpt 550 no such person quennell@perivale.example"
    client = sign_in(ada)
    client.get("/contacts/?q=quennell")
    link = whole_run(ada, ben)
    for url in ("/", "/contacts/", "/contacts/export.csv", "/incidents/INC-1/"):
        client.get(url)
    Client().post("/account/login/", {"login": "quennell@perivale.example", "password": "correct horse"})

    written = log.getvalue()
    assert len(lines(log)) >= 8
    assert [secret for secret in (*SECRETS, link) if secret.lower() in written.lower()] == []


def whole_run(ada, ben):
    people = "Email,First Name,Last Name,Phone,Account Name\nquennell@perivale.example,Wilhelmina,Quennell,+49 40 5550,Perivale\n"
    run = stakeholders.start_import(
        file=ContentFile(people.encode(), "q.csv"), name="q.csv", by=ada, now=NOW, in_background=False
    )
    running.work(run_id=run.pk)
    stakeholders.apply_import(run_id=run.pk, by=ada, now=NOW, in_background=False)
    running.work(run_id=run.pk)
    incident = factories.make_incident(ada, title="Zanzibar payments stumble")
    message = factories.make_message(incident, ada, respond=TEXT, affected_only=False)
    request = factories.ask(message, ada)
    team_mail.send_due(now=lambda: NOW)
    factories.approve(request, ben)
    link = ApprovalLink.objects.get().token_hash
    message.refresh_from_db()
    factories.order(message, ada)
    for dispatch_id in sweeping.sweep(now=NOW):
        sender.work(dispatch_id=dispatch_id, now=lambda: SOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        Contact.objects.create(email="x", address="quennell@perivale.example", updated_at=NOW)
    assert Notice.objects.exists()
    return link


def test_what_a_database_quotes_in_an_error_is_hidden_also_in_a_traceback(log, ada):
    taken, name = ada.email, "Wilhelmina " + "Quennell"
    try:
        with transaction.atomic():
            User.objects.create_user(taken, name=name)
    except IntegrityError:
        logging.getLogger("celery.app.trace").exception("task failed")
        structlog.get_logger("crisiscomms").exception("deadline not handled")

    text = log.getvalue()
    assert text.count("[hidden]") >= 2 and "IntegrityError" in text and "Traceback" in text
    assert taken not in text and name not in text


def test_every_line_of_a_request_has_its_number_which_the_answer_names(log, ada, monkeypatch):
    def talk(*_, **__):
        logging.getLogger("some.library").warning("said with the standard library")
        structlog.get_logger("crisiscomms").info("said by us")
        raise RuntimeError

    monkeypatch.setattr("statuspage.queries.page", talk)

    answer = Client(raise_request_exception=False).get("/status/")

    number = answer.headers["X-Request-ID"]
    assert {line["request_id"] for line in lines(log)} == {number} and len(lines(log)) >= 4


def test_a_client_does_not_choose_the_number(client, db):
    answer = client.get("/healthz", headers={"X-Request-ID": "lena@bluegate.example"})

    assert "lena" not in answer.headers["X-Request-ID"] and len(answer.headers["X-Request-ID"]) == 36


def test_a_task_writes_its_own_number_and_that_of_the_request_that_rang(log):
    from django_structlog.celery.receivers import CeleryReceiver

    @app.task(name="tests.says_something")
    def says_something():
        logging.getLogger("some.library").warning("from the task")

    try:
        receiver = CeleryReceiver()
        receiver.connect_worker_signals()
        headers = {}
        with structlog.contextvars.bound_contextvars(request_id="the-request"):
            receiver.receiver_before_task_publish(headers=headers, body={}, properties={})
        says_something.request_stack.push(type("Request", (), {**headers, "id": "the-task"})())
        receiver.receiver_task_prerun("the-task", says_something)
        says_something.run()
    finally:
        app.tasks.pop("tests.says_something", None)
        structlog.contextvars.clear_contextvars()

    said = next(line for line in lines(log) if line["event"] == "from the task")
    assert (said["task_id"], said["request_id"]) == ("the-task", "the-request")


def test_workers_connect_what_numbers_their_lines():
    from django_structlog.celery.steps import DjangoStructLogInitStep

    assert DjangoStructLogInitStep in app.steps["worker"]
