"""What signals were sent as is forgotten after its time; so is what names an erased person."""

from datetime import datetime

from django.db.models import QuerySet

from crisiscomms import retention
from incidents.models import SignalBody, SignalMinute


def _bodies(before: datetime) -> QuerySet[SignalBody]:
    return SignalBody.objects.filter(received_at__lt=before)


def _minutes(before: datetime) -> QuerySet[SignalMinute]:
    return SignalMinute.objects.filter(minute__lt=before)


def _due(before: datetime) -> int:
    return _bodies(before).count() + _minutes(before).count()


def _forget(before: datetime, _now: datetime, limit: int) -> int:
    done = retention.delete_some(_bodies(before), limit)
    return done + retention.delete_some(_minutes(before), limit - done)


retention.register(retention.Rule("signals", "Texts of signals", _due, _forget))
