"""Thin tasks. Every one may run twice, or not at all: the sweep finds what is due in PostgreSQL."""

from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_process_init
from django.db import transaction

from crisiscomms import clock

log = structlog.get_logger("crisiscomms.delivery")
SENDERS = 2


@shared_task
def deliver(*, dispatch_id: int, **_: Any) -> None:
    """Send what is due of one dispatch, then ring again while more is due."""
    from delivery import sender, sweeping

    if sender.work(dispatch_id=dispatch_id):
        ring(deliver, dispatch_id=dispatch_id)
    else:
        sweeping.finish(dispatch_id=dispatch_id, now=clock.now())


@shared_task
def sweep(**_: Any) -> None:
    from delivery import sweeping
    from messaging import actions as approvals

    now = clock.now()
    approvals.expire_requests(now=now)
    for dispatch_id in sweeping.sweep(now=now):
        for _number in range(SENDERS):
            ring(deliver, dispatch_id=dispatch_id)


@shared_task
def send_notices(**_: Any) -> None:
    from delivery import team_mail

    team_mail.send_due(now=clock.now)


@shared_task(soft_time_limit=20)
def send_anchors(**_: Any) -> None:
    """The ends of all chains, out of the house, when their hour has come. Twice at once does no harm.

    Where nothing waits: a mail server that hangs holds this worker for twenty seconds.
    """
    from delivery import anchor_mail
    from incidents.record import anchors

    anchors.make_due(now=clock.now())
    anchor_mail.send_due(now=clock.now)


@shared_task(soft_time_limit=20)
def say_in_chat(**_: Any) -> None:
    """A chat that hangs must not hold up the team's mails, which this worker sends as well."""
    from delivery import team_chat

    team_chat.send_due(now=clock.now)


def ring(task: Any, **arguments: Any) -> None:
    """Ring the doorbell. A broker that is down or hung costs seconds at most and loses nothing."""
    try:
        task.apply_async(kwargs=arguments, expires=10, retry=False)
    except Exception as error:  # noqa: BLE001 - whatever the broker's client raises, the row is already safe
        log.warning("broker did not take the bell", task=task.name, error=type(error).__name__)


def ring_sweep() -> None:
    """After the commit, have the sweep look now instead of at its next knock."""
    transaction.on_commit(lambda: ring(sweep), robust=True)


@worker_process_init.connect
def _fresh_connection(**_: Any) -> None:
    from delivery.channels import email

    email.reset_session()
