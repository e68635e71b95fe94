"""What people put on an incident's record, what they let it go without, and who took the record out."""

import uuid
from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from incidents.models.incident import Incident

# What is on record stays as it was put there. The one change is that its words are forgotten, once and whole.
ONLY_ERASED = pgtrigger.Trigger(
    name="record_document_is_only_erased",
    operation=pgtrigger.Update | pgtrigger.Delete,
    when=pgtrigger.Before,
    func="""
        IF TG_OP = 'UPDATE' AND OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL AND NEW.title = '(erased)'
           AND NEW.text = '' AND NEW.url = '' AND NEW.file = '' AND NEW.file_name = ''
           AND (NEW.id, NEW.incident_id, NEW.key, NEW.file_size, NEW.sha256, NEW.added_by_id, NEW.added_at)
               = (OLD.id, OLD.incident_id, OLD.key, OLD.file_size, OLD.sha256, OLD.added_by_id, OLD.added_at)
           AND NEW.supersedes_id IS NOT DISTINCT FROM OLD.supersedes_id THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'record_document_is_only_erased: what is on record stays as it was put there';
    """,
)


class RecordDocumentQuerySet(models.QuerySet["RecordDocument"]):
    def current(self) -> "RecordDocumentQuerySet":
        """Those that no later one took the place of."""
        return self.filter(superseded_by=None)


class RecordDocument(models.Model):
    """A note, a link or a file. `key` is what the policy asks for, or empty for something else worth keeping."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="documents")
    key = models.CharField(max_length=40, blank=True)
    title = models.CharField(max_length=160)
    text = models.TextField(blank=True)
    url = models.CharField(max_length=500, blank=True)
    file = models.FileField(upload_to="record/%Y/%m/", max_length=300, blank=True)
    # As its owner called it. The name on the disk is ours.
    file_name = models.CharField(max_length=200, blank=True)
    file_size = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="superseded_by")
    erased_at = models.DateTimeField(null=True)

    objects = RecordDocumentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="record_document_holds_something",
                condition=~Q(text="") | ~Q(url="") | ~Q(file="") | Q(erased_at__isnull=False),
            ),
            models.CheckConstraint(
                name="record_document_file_has_a_digest",
                condition=Q(file="") | (~Q(sha256="") & ~Q(file_name="") & Q(file_size__gt=0)),
            ),
        ]
        triggers = [ONLY_ERASED]

    def __str__(self) -> str:
        return self.title


class DocumentWaiver(models.Model):
    """A named person let the record go without a document, and said why."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="document_waivers")
    key = models.CharField(max_length=40)
    label = models.CharField(max_length=200)
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "key"], name="document_waived_once"),
            models.CheckConstraint(name="document_waiver_has_a_reason", condition=~Q(reason="")),
        ]
        triggers = [pgtrigger.Protect(name="document_waiver_stays", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"without {self.key}"


class RecordExportQuerySet(models.QuerySet["RecordExport"]):
    def waiting(self) -> "RecordExportQuerySet":
        return self.filter(state__in=[RecordExport.State.QUEUED, RecordExport.State.MAKING])

    def stuck(self, now: datetime) -> "RecordExportQuerySet":
        """Those that nobody works on: no bell was heard, or whoever did has gone."""
        return self.waiting().filter(next_try_at__lte=now)


class RecordExport(models.Model):
    """Somebody took the record out. The archive stays for some days; this row and its digests stay.

    `head_number` and `head_digest` say how far the chain had come: an anchor that finds a tail cut off since.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        MAKING = "making", "Being made"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"
        GONE = "gone", "No longer kept"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.QUEUED: {State.MAKING, State.FAILED},
        State.MAKING: {State.QUEUED, State.DONE, State.FAILED},
        State.DONE: {State.GONE},
        State.FAILED: set(),
        State.GONE: set(),
    }

    uid = models.UUIDField(default=uuid.uuid4, unique=True)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="exports")
    # Nobody: the machine's own operator, at the command line.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    with_recipients = models.BooleanField(default=True)
    state = models.CharField(max_length=6, choices=State, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=300, blank=True)
    file = models.FileField(upload_to="record-archives/", max_length=300, blank=True)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    # Of the document to read inside the archive; 0 where it could not be set, or is from before there was one.
    pdf_size = models.PositiveIntegerField(default=0, db_default=0)
    head_number = models.PositiveIntegerField(default=0)
    head_digest = models.CharField(max_length=64, blank=True)
    made_at = models.DateTimeField(null=True)
    keep_until = models.DateTimeField(null=True)

    objects = RecordExportQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="record_export_done_is_known",
                condition=~Q(state__in=["done", "gone"]) | (~Q(sha256="") & Q(made_at__isnull=False)),
            ),
            models.CheckConstraint(name="record_export_failed_says_why", condition=~Q(state="failed") | ~Q(why="")),
            models.CheckConstraint(
                name="record_export_waiting_is_tried",
                condition=Q(state__in=["queued", "making"], next_try_at__isnull=False)
                | (~Q(state__in=["queued", "making"]) & Q(next_try_at=None)),
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], name="record_export_next", condition=Q(next_try_at__isnull=False)),
            models.Index(fields=["keep_until"], name="record_export_kept", condition=Q(keep_until__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"record of {self.incident_id}"

    @property
    def is_waiting(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.MAKING)
