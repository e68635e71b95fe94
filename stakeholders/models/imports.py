"""Files on their way in: staged row by row, looked at, then applied."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def stuck(self, *, before: datetime) -> "ImportRunQuerySet":
        """Runs that should be worked on and have not moved since that moment."""
        return self.filter(state__in=["reading", "importing"], worked_at__lt=before)


class ImportRun(models.Model):
    """One uploaded file. Rows are staged first; nothing changes until somebody presses Import."""

    class State(models.TextChoices):
        READING = "reading", "Reading"
        READY = "ready", "Ready to import"
        IMPORTING = "importing", "Importing"
        DONE = "done", "Imported"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.READING: {State.READY, State.REFUSED, State.CANCELLED},
        State.READY: {State.READING, State.IMPORTING, State.CANCELLED},
        State.IMPORTING: {State.DONE},
        State.DONE: set(),
        State.REFUSED: set(),
        State.CANCELLED: set(),
    }

    name = models.CharField(max_length=200)
    # Empty once the run is over: the file holds personal data and has done its work.
    file = models.FileField(upload_to="imports/%Y/%m/", max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.READING)
    headers = models.JSONField(default=list)
    # The first few cells of every column, so that a person can tell what a column holds.
    samples = models.JSONField(default=list)
    mapping = models.JSONField(default=dict)
    encoding = models.CharField(max_length=40, blank=True)
    delimiter = models.CharField(max_length=4, blank=True)
    why_refused = models.TextField(blank=True)
    rows = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    applied = models.PositiveIntegerField(default=0)
    # Bells since the last progress: a file that kills its worker must not be tried for ever.
    tries = models.PositiveSmallIntegerField(default=0)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    uploaded_at = models.DateTimeField()
    worked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="import_refused_says_why", condition=~Q(state="refused") | ~Q(why_refused="")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def importable(self) -> int:
        return self.created + self.updated + self.unchanged

    @property
    def to_apply(self) -> int:
        return self.rows - self.rejected

    @property
    def is_working(self) -> bool:
        return self.state in (self.State.READING, self.State.IMPORTING)


class ImportRow(models.Model):
    """One staged row: what it will do, or why it is not taken. `number` counts the header as row 1."""

    class Outcome(models.TextChoices):
        CREATE = "create", "Will be created"
        UPDATE = "update", "Will be updated"
        SAME = "same", "No change"
        DUPLICATE = "duplicate", "Duplicate in this file"
        REJECT = "reject", "Not taken"

    # The unique constraint below already indexes the run.
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="staged", db_index=False)
    number = models.PositiveIntegerField()
    address = models.CharField(max_length=254, blank=True)
    data = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, choices=Outcome)
    reason = models.CharField(max_length=300, blank=True)
    is_applied = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="import_row_staged_once"),
            models.CheckConstraint(
                name="import_row_not_taken_says_why", condition=~Q(outcome="reject") | ~Q(reason="")
            ),
        ]

    def __str__(self) -> str:
        return f"row {self.number}"


class ColumnMapping(models.Model):
    """How the columns of a file with these headings were mapped last time."""

    signature = models.CharField(max_length=64, unique=True)
    mapping = models.JSONField()
    used_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.signature[:12]
