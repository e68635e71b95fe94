"""What operators watch of imports."""

from datetime import datetime, timedelta

from django.db.models import Sum

from crisiscomms import due, figures
from stakeholders.models import ImportRun

OUTCOMES = ("created", "updated", "unchanged", "duplicates", "rejected")


def _since(now: datetime) -> datetime | None:
    working = ImportRun.objects.stuck(before=now).order_by("worked_at")
    return working.values_list("worked_at", flat=True).first()


def _rows() -> figures.Rows:
    totals = ImportRun.objects.aggregate(**{name: Sum(name, default=0) for name in OUTCOMES})
    return [((name,), totals[name]) for name in OUTCOMES]


due.register(due.Kind("imports", "Imports", timedelta(minutes=5), _since))
figures.register(figures.Figure("crisiscomms_import_rows", "Rows of all imports by outcome.", ("outcome",), _rows))
