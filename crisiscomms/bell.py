"""Notices inside the product: what stands under the bell, and what of it has been read."""

import zoneinfo
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from crisiscomms import notices
from crisiscomms.models import Notice, User
from crisiscomms.notices import Mail

log = structlog.get_logger("crisiscomms")
PAGE = 30


@dataclass(frozen=True)
class Line:
    notice: Notice
    mail: Mail


@dataclass(frozen=True)
class Page:
    lines: list[Line]
    # The number to ask older ones with; 0 when there are none.
    older: int


def unread(person: User) -> int:
    return _of(person).filter(seen_at=None).count()


def page(person: User, *, now: datetime, before: int = 0) -> Page:
    """Newest first, worded now. What is no longer needed, or no longer theirs to see, is left out and counts as read.

    So does what leads nowhere: it has been read where it stands.
    """
    rows = _of(person).order_by("-pk").select_related("person")
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
    lines, settled = [], []
    for notice in found[:PAGE]:
        mail = worded(notice, now)
        if mail is not None:
            lines.append(Line(notice, mail))
        if mail is None or not mail.link:
            settled.append(notice.pk)
    _of(person).filter(pk__in=settled, seen_at=None).update(seen_at=now)
    return Page(lines, found[PAGE - 1].pk if len(found) > PAGE else 0)


def open_one(notice_id: int, *, by: User, now: datetime) -> Mail | None:
    """Read one's own notice: what it says now, or None when it is no longer needed. Raises Notice.DoesNotExist."""
    notice = _of(by).select_related("person").get(pk=notice_id)
    _of(by).filter(pk=notice.pk, seen_at=None).update(seen_at=now)
    return worded(notice, now)


def read_all(*, up_to: int, by: User, now: datetime) -> int:
    """Mark as read what stood on the page that was looked at, and nothing that came since."""
    return _of(by).filter(pk__lte=up_to, seen_at=None).update(seen_at=now)


def _of(person: User) -> QuerySet[Notice]:
    return Notice.objects.filter(person=person, kind__in=notices.shown()).exclude(state=Notice.State.SKIPPED)


def worded(notice: Notice, now: datetime) -> Mail | None:
    """What it says now, by its reader's clock; None also when it cannot be worded any more."""
    try:
        with timezone.override(zoneinfo.ZoneInfo(notice.person.time_zone)):
            return notices.look(notice, now)
    except Exception:
        # One notice whose subject is gone must not take the page with all others.
        log.exception("notice not worded", kind=notice.kind)
        return None
