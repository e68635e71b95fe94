"""Files on their way in: staged row by row, looked at, applied, and taken back when that was a mistake."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def working(self) -> "ImportRunQuerySet":
        return self.filter(state__in=ImportRun.WORKING)

    def stuck(self, *, before: datetime) -> "ImportRunQuerySet":
        """Runs that should be worked on and have not moved since that moment."""
        return self.working().filter(worked_at__lt=before)

    def over(self, *, before: datetime) -> "ImportRunQuerySet":
        """Runs whose staged rows nobody needs any more: nothing came of them, or they ended before that moment."""
        came_to_nothing = Q(state="refused") | Q(state="cancelled", applied=0)
        is_over = Q(state__in=["done", "cancelled", "undone"], finished_at__lt=before)
        return self.filter(came_to_nothing | is_over, forgotten_at=None)


class ImportRun(models.Model):
    """One uploaded file. Rows are staged first; nothing changes until somebody presses Import."""

    class State(models.TextChoices):
        READING = "reading", "Reading"
        READY = "ready", "Ready to import"
        IMPORTING = "importing", "Importing"
        DONE = "done", "Imported"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"
        UNDOING = "undoing", "Undoing"
        UNDONE = "undone", "Undone"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.READING: {State.READY, State.REFUSED, State.CANCELLED},
        State.READY: {State.READING, State.IMPORTING, State.CANCELLED},
        State.IMPORTING: {State.DONE, State.CANCELLED, State.UNDOING},
        State.DONE: {State.UNDOING},
        State.CANCELLED: {State.UNDOING},
        # Cancelled only by the system, when whoever ordered it may import no more.
        State.UNDOING: {State.UNDONE, State.CANCELLED},
        State.UNDONE: set(),
        State.REFUSED: set(),
    }
    WORKING: ClassVar[tuple[str, ...]] = (State.READING, State.IMPORTING, State.UNDOING)

    # Which importable thing (stakeholders/imports/kinds.py), and which version of its columns read the file.
    kind = models.CharField(max_length=20, default="contacts")
    columns_version = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=200)
    # Empty once the run is over: the file holds personal data and has done its work.
    file = models.FileField(upload_to="imports/%Y/%m/", max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.READING)
    headers = models.JSONField(default=list)
    # The first few cells of every column, so that a person can tell what a column holds.
    samples = models.JSONField(default=list)
    mapping = models.JSONField(default=dict)
    # What there is to say about the proposed columns, such as that remembered ones were not used.
    mapping_note = models.CharField(max_length=300, blank=True)
    encoding = models.CharField(max_length=40, blank=True)
    delimiter = models.CharField(max_length=4, blank=True)
    why_refused = models.TextField(blank=True)
    # Lines of the file: a goal for the progress. Cells with line breaks make it too high. 0 is not known.
    about_rows = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    # Rows that were applied, and the number of the last one: a killed import goes on after it.
    applied = models.PositiveIntegerField(default=0)
    applied_to = models.PositiveIntegerField(default=0)
    # Changes that an undo took back, and those that it had to leave.
    undone = models.PositiveIntegerField(default=0)
    kept = models.PositiveIntegerField(default=0)
    # Bells since the last progress: a file that kills its worker must not be tried for ever.
    tries = models.PositiveSmallIntegerField(default=0)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    uploaded_at = models.DateTimeField()
    # When the work of the present state began: with the counts it gives the rate.
    phase_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    # Nobody: the machine's own operator, or a version that did not keep it.
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    worked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    # When the staged rows were deleted: they hold personal data and nothing can be undone any more.
    forgotten_at = models.DateTimeField(null=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="import_refused_says_why", condition=~Q(state="refused") | ~Q(why_refused="")),
            models.CheckConstraint(
                name="import_undone_has_a_time", condition=Q(state="undone", undone_at__isnull=False)
                | (~Q(state="undone") & Q(undone_at=None)),
            ),
        ]  # fmt: skip

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
        return self.state in self.WORKING


class ImportRow(models.Model):
    """One staged row: what it will do, or why it is not taken. `number` counts the header as row 1."""

    class Outcome(models.TextChoices):
        CREATE = "create", "Will be created"
        UPDATE = "update", "Will be updated"
        SAME = "same", "No change"
        DUPLICATE = "duplicate", "Duplicate in this file"
        REJECT = "reject", "Not taken"

    # The unique constraint below already indexes the run. Rows are written in bulk while their run is locked, so a
    # check for each would ask what is known.
    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="staged", db_index=False, db_constraint=False
    )
    number = models.PositiveIntegerField()
    # What the thing of this row is known by: two rows with one key are one thing. Empty when it is not taken.
    key = models.CharField(max_length=254, blank=True)
    data = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, choices=Outcome)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="import_row_staged_once"),
            models.CheckConstraint(
                name="import_row_not_taken_says_why", condition=~Q(outcome="reject") | ~Q(reason="")
            ),
        ]
        indexes = [models.Index(fields=["run", "key"], name="import_row_by_key", condition=~Q(key=""))]

    def __str__(self) -> str:
        return f"row {self.number}"


class ImportChange(models.Model):
    """One thing that an import made or changed: what an undo needs. It is deleted when it has been undone."""

    class Thing(models.TextChoices):
        MEMBERSHIP = "membership", "Place in an account"
        CONTACT = "contact", "Contact"
        ACCOUNT = "account", "Account"

    # Written in bulk while its run is locked, as the rows are.
    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="changes", db_index=False, db_constraint=False
    )
    # The first row of the file that did it.
    number = models.PositiveIntegerField()
    thing = models.CharField(max_length=12, choices=Thing)
    thing_id = models.BigIntegerField()
    # The whole row as it was before; null for a thing that the import made.
    was = models.JSONField(null=True)
    # A mark of the row as the import left it: with another mark somebody has changed it since.
    left_as = models.BigIntegerField(default=0)
    # Why an undo left it as it is.
    kept_because = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "thing", "thing_id"], name="import_changes_a_thing_once"),
        ]

    def __str__(self) -> str:
        return f"{self.thing} {self.thing_id}"


class ColumnMapping(models.Model):
    """How the columns of a file with these headings were mapped last time, and for which version of our columns."""

    kind = models.CharField(max_length=20, default="contacts")
    signature = models.CharField(max_length=64)
    version = models.PositiveSmallIntegerField(default=1)
    mapping = models.JSONField()
    used_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "signature"], name="columns_remembered_once_per_kind"),
        ]

    def __str__(self) -> str:
        return self.signature[:12]
