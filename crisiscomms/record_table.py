"""The installation's own record as a list: its columns, its filter, and what each of them means."""

import datetime as dt
from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone

from crisiscomms import audit
from crisiscomms.models import AuditEvent, User
from crisiscomms.tables import Column, Table

CELLS = "crisiscomms/record_cells.html"
NOBODY = "installation"
# Kind → its label, and what its verbs are about (the word before the dot).
KINDS = {
    "people": ("People and access", ("person", "session", "second_factor", "device", "token", "duty")),
    "control": (
        "Policies, secrets, organisation",
        ("policy", "credential", "organisation", "change", "threshold", "signal_source", "playbook"),
    ),
    "products": ("Products", ("product", "component")),
    "outside": ("Signals and the outward side", ("signal", "proposal", "outward", "mention")),
    "contacts": ("Contacts and imports", ("contact", "import", "history")),
    "exports": ("Lists taken out", ("contacts", "accounts", "incidents", "people", "record", "anchors")),
    "upkeep": ("Upkeep", ("retention", "team_mail", "team_chat")),
}
RECORD = Table(
    key="record",
    order="-at",
    nouns=("entry", "entries"),
    nothing="Nothing stands on the record for this. Other days, or “Everything” in one of the lists, finds more.",
    columns=(
        Column(
            "at",
            "When",
            lambda one: one.at,
            f"{CELLS}#at",
            sort="number",
            ways=("oldest first", "newest first"),
            is_fixed=True,
        ),
        Column("who", "Who", lambda one: str(one.actor or "The installation")),
        Column("what", "What", lambda one: one.detail.text, f"{CELLS}#what", is_fixed=True),
        Column("number", "Number", lambda one: one.number, is_shown=False, is_number=True),
        Column("verb", "Act", lambda one: one.verb, is_shown=False),
        Column("subject", "About", lambda one: one.subject, is_shown=False),
        Column("written", "Written down", lambda one: one.recorded_at, f"{CELLS}#written", is_shown=False),
    ),
)


def _people() -> list[tuple[str, str]]:
    found = User.objects.get_queryset().order_by("name").values_list("pk", "name")
    return [("", "Everybody"), (NOBODY, "The installation"), *((str(pk), name) for pk, name in found)]


class DayField(forms.DateField):
    """A day of the reader's own. Years far away are typing errors, and some of them have no moment in UTC."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def to_python(self, value: Any) -> dt.date | None:
        day = super().to_python(value)
        if day is not None and not 2000 <= day.year <= 2100:
            raise forms.ValidationError("This year cannot be meant. Check the day.")
        return day


class FindEntries(forms.Form):
    kind = forms.ChoiceField(
        label="About",
        required=False,
        choices=[("", "Everything"), *((key, label) for key, (label, _) in KINDS.items())],
    )
    by = forms.ChoiceField(label="Who", required=False, choices=_people)
    first = DayField(label="From day", required=False)
    last = DayField(label="To day", required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", "This day is before the first one.")
        return data


def listed() -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(chain=audit.INSTALLATION).select_related("actor", "detail")


def narrow(events: QuerySet[AuditEvent], wanted: dict[str, Any]) -> QuerySet[AuditEvent]:
    """Days are the reader's own: they begin at midnight in the zone in which the page shows its times."""
    if wanted["kind"]:
        about = [Q(verb__startswith=f"{word}.") for word in KINDS[wanted["kind"]][1]]
        events = events.filter(reduce(or_, about))
    if wanted["by"]:
        events = events.filter(actor=None if wanted["by"] == NOBODY else int(wanted["by"]))
    if wanted["first"]:
        events = events.filter(at__gte=_midnight(wanted["first"]))
    if wanted["last"]:
        events = events.filter(at__lt=_midnight(wanted["last"] + dt.timedelta(days=1)))
    return events


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.min, timezone.get_current_timezone()).astimezone(dt.UTC)
