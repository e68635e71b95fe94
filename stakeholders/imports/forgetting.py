"""Staged rows are personal data. When nothing can be undone any more they go; the run and its figures stay."""

from datetime import datetime, timedelta

from django.db import transaction

from stakeholders.imports import undoing
from stakeholders.models import ImportChange, ImportRow, ImportRun

PIECE = 20_000


def forget(*, now: datetime) -> None:
    """Delete some staged rows of one run that is over. Rung again by the clock, so that no transaction is long."""
    run = ImportRun.objects.over(before=now - timedelta(days=undoing.days())).order_by("finished_at", "pk").first()
    if run is None:
        return
    with transaction.atomic():
        # Only from its own columns, and whoever else is at it lets it go: an undo may have begun.
        locked = ImportRun.objects.select_for_update(skip_locked=True).filter(pk=run.pk, state=run.state).first()
        if locked is not None and _delete_some(locked) == 0:
            locked.forgotten_at = now
            locked.samples = []
            locked.save(update_fields=["forgotten_at", "samples"])


def _delete_some(run: ImportRun) -> int:
    gone = 0
    for model in (ImportChange, ImportRow):
        some = model._base_manager.filter(run=run).values_list("pk", flat=True)[: PIECE - gone]
        gone += model._base_manager.filter(pk__in=list(some)).delete()[0]
    return gone
