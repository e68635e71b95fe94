"""What signals were sent as is forgotten after its time; so is what names an erased person."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from crisiscomms import audit, personal, retention
from crisiscomms.personal import Person
from incidents.models import Signal, SignalBody, SignalMinute


def _bodies(before: datetime) -> QuerySet[SignalBody]:
    return SignalBody.objects.filter(received_at__lt=before)


def _minutes(before: datetime) -> QuerySet[SignalMinute]:
    return SignalMinute.objects.filter(minute__lt=before)


def _due(before: datetime) -> int:
    return _bodies(before).count() + _minutes(before).count()


def _forget(before: datetime, _now: datetime, limit: int) -> int:
    done = retention.delete_some(_bodies(before), limit)
    return done + retention.delete_some(_minutes(before), limit - done)


def _naming(person: Person) -> QuerySet[Signal]:
    return Signal.objects.filter(personal.naming(person, "title", "text", "link", "values"))


def _sent(person: Person) -> QuerySet[SignalBody]:
    return SignalBody.objects.filter(personal.naming(person, "text"))


def _held(person: Person) -> list[dict[str, Any]]:
    told = [
        {"at": one.received_at.isoformat(), "title": one.title, "text": one.text, "values": one.values}
        for one in _naming(person).order_by("pk")
    ]
    sent = [{"at": one.received_at.isoformat(), "sent": one.text} for one in _sent(person).order_by("pk")]
    return told + sent


def _erase(person: Person, now: datetime) -> int:
    """What is said about somebody goes whole: nobody can tell which other words describe them."""
    told = _naming(person).update(title=audit.ERASED, text="", link="", values={})
    return told + _sent(person).delete()[1].get("incidents.SignalBody", 0)


retention.register(retention.Rule("signals", "Texts of signals", _due, _forget))
personal.register(
    personal.Holder(
        "signals",
        "Signals that name them",
        _held,
        _erase,
        forgets="Title, text and values of signals that name them, and what was sent.",
        stays="That there was a signal, when, how often, and what became of it.",
    )
)
