"""What the delivery tests share: a dispatch under way, the worker's round, and readers of what came of it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from django.db import connection

from crisiscomms import policy as policies
from crisiscomms.models import User
from delivery import sender, sweeping
from delivery.channels import email as door
from delivery.models import Dispatch, Notification
from messaging.models import Message
from tests import factories
from tests.conftest import NOW
from tests.peers.smtp_sink import Mail

SOON = NOW + timedelta(seconds=1)


def order_mail(
    ada: User, ben: User, *, now: datetime = NOW, hold_seconds: int = 0, content: dict[str, Any] | None = None, **fields
) -> Dispatch:
    """An approved message, ordered by mail only; `fields` are the incident's."""
    incident = factories.make_incident(ada, discovered_at=now, now=now, **fields)
    values = {"channels": ["email"], "next_update_at": (now + timedelta(days=30)).isoformat(), **(content or {})}
    message = factories.make_approved(incident, ada, ben, now=now, **values)
    factories.order(message, ada, now=now, hold_seconds=hold_seconds)
    return Dispatch.objects.get(message=message, channel="email")


def people(*local_parts: str, **account: Any) -> None:
    """One contact per local part, all of one account; the sink reads its behaviour from it."""
    home = factories.make_account(account.pop("name", "Many Ltd"), **account)
    for local in local_parts:
        factories.make_contact(f"{local}@many.example", home, first_name=local)


def release(dispatch: Dispatch, now: datetime = NOW) -> Dispatch:
    sweeping.sweep(now=now)
    dispatch.refresh_from_db()
    return dispatch


def round_of_work(now: datetime = SOON) -> None:
    """What beat and the workers do once at this moment."""
    for dispatch_id in sweeping.sweep(now=now):
        sender.work(dispatch_id=dispatch_id, now=lambda: now)
    sweeping.sweep(now=now)


def work_until_over(dispatch: Dispatch, *, start: datetime = SOON) -> None:
    """Rounds at each moment at which something is due, until nothing waits."""
    now = start
    for _ in range(40):
        round_of_work(now)
        waiting = dispatch.notifications.filter(state__in=["queued", "retry"])
        following = waiting.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
        if following is None:
            return
        now = max(following, now)
    raise AssertionError("it never ends")


def states(dispatch: Dispatch) -> dict[str, str]:
    """State by local part."""
    return {row.address.partition("@")[0]: row.state for row in dispatch.notifications.all()}


def row_of(dispatch: Dispatch, local: str) -> Notification:
    return dispatch.notifications.get(address=f"{local}@many.example")


def read(mail: Mail) -> EmailMessage:
    """The mail as a mail program sees it."""
    raw = mail.raw.replace(b"\r\n..", b"\r\n.")
    return message_from_bytes(raw, policy=policy.default)  # type: ignore[return-value]


def set_policy(**changes: Any) -> None:
    data = {**policies.current("delivery"), **changes}
    policies.replace(key="delivery", data=data, by=None, now=NOW)


def message_of(dispatch: Dispatch) -> Message:
    return Message.objects.get(pk=dispatch.message_id)


@contextmanager
def own_sessions(monkeypatch: Any) -> Iterator[None]:
    """Workers are processes with a mail connection each; in a test their threads get one each."""
    kept = threading.local()
    opened: list[Any] = []

    def session() -> Any:
        if not hasattr(kept, "session"):
            kept.session = door.new_session()
            opened.append(kept.session)
        return kept.session

    monkeypatch.setattr(door, "session", session)
    yield
    for one in opened:
        one.close()


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Run `act` in threads that start together; what each returned or raised."""
    gate, found = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        try:
            gate.wait(10)
            found[number] = act(number)
        except Exception as error:  # noqa: BLE001 - the test looks at what was raised
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found
