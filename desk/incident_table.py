"""The list of incidents: its columns, its filter, and what each of them means."""

import re
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.db.models import Case, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from crisiscomms.models import User
from crisiscomms.tables import Column, Table
from incidents.models import Deadline, Incident

# Stands for "not yet", so that what has no date sorts as the farthest one.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"(?:inc-?)?([0-9]{1,9})", re.IGNORECASE)
CELLS = "desk/incident_cells.html"


def _unless_never(moment: datetime) -> datetime | str:
    return "" if moment == NEVER else moment


def _imported(incident: Incident) -> Any:
    return getattr(incident, "imported", None)


def _lead(incident: Incident) -> str:
    """Who was named on an imported incident only loaded it."""
    imported = _imported(incident)
    return f"from {imported.source_name}" if imported else str(incident.lead)


def _marks(incident: Incident) -> str:
    marks = {
        "restricted": incident.restricted,
        "exercise": incident.is_exercise,
        "stood down": incident.stood_down,
        "imported": _imported(incident) is not None,
    }
    return ", ".join(mark for mark, is_so in marks.items() if is_so)


LATE = ("earliest first", "latest first")
INCIDENTS = Table(
    key="incidents",
    order="-closed",
    nouns=("incident", "incidents"),
    columns=(
        Column("number", "Incident", str, f"{CELLS}#name", sort="number", ways=("oldest", "newest"), is_fixed=True),
        Column(
            "severity",
            "Severity",
            lambda one: one.get_severity_display(),
            f"{CELLS}#severity",
            sort="severity_rank",
            ways=("worst first", "mildest first"),
        ),
        Column("kind", "Kind", lambda one: one.get_kind_display(), is_shown=False),
        Column(
            "phase",
            "Phase",
            lambda one: one.get_phase_display(),
            f"{CELLS}#phase",
            sort="phase_rank",
            ways=("earliest first", "closed first"),
        ),
        Column("lead", "Lead", _lead, f"{CELLS}#lead"),
        Column("opened", "Opened", lambda one: one.opened_at, f"{CELLS}#opened", sort="opened_at", ways=LATE),
        Column("next", "Next", lambda one: _unless_never(one.next_due), f"{CELLS}#next", sort="next_due", ways=LATE),
        Column(
            "closed",
            "Closed",
            lambda one: _unless_never(one.closed_or_never),
            f"{CELLS}#closed",
            sort="closed_or_never",
            ways=("closed first", "open first"),
            is_shown=False,
        ),
        Column("marks", "Marks", _marks, is_shown=False),
    ),
)


class IncidentFilter(forms.Form):
    q = forms.CharField(label="Words or number", required=False, max_length=100)
    phase = forms.ChoiceField(
        label="Phase", required=False, choices=[("", "All"), ("open", "Open"), *Incident.Phase.choices]
    )
    severity = forms.ChoiceField(label="Severity", required=False, choices=[("", "All"), *Incident.Severity.choices])
    kind = forms.ChoiceField(label="Kind", required=False, choices=[("", "All"), *Incident.Kind.choices])


def listed(user: User) -> QuerySet[Incident]:
    """What this person may know of, with everything the columns show and sort by: one query."""
    clocks = Deadline.objects.open().filter(incident=OuterRef("pk"), kind__in=["acknowledge", "update"])
    return (
        Incident.objects.visible_to(user)
        .select_related("lead", "imported")
        .annotate(
            severity_rank=_rank("severity", Incident.Severity.values),
            phase_rank=_rank("phase", Incident.Phase.values),
            next_due=Coalesce(Subquery(clocks.order_by("due_at").values("due_at")[:1]), Value(NEVER)),
            closed_or_never=Coalesce("closed_at", Value(NEVER)),
        )
    )


def narrow(incidents: QuerySet[Incident], wanted: dict[str, Any]) -> QuerySet[Incident]:
    """Each word has to stand in the title or summary; "INC-12" or "12" finds that one too."""
    for name in ("severity", "kind"):
        if wanted[name]:
            incidents = incidents.filter(**{name: wanted[name]})
    if wanted["phase"] == "open":
        incidents = incidents.exclude(phase=Incident.Phase.CLOSED)
    elif wanted["phase"]:
        incidents = incidents.filter(phase=wanted["phase"])
    for word in wanted["q"].split():
        incidents = incidents.filter(_has(word))
    return incidents


def _has(word: str) -> Q:
    found = Q(title__icontains=word) | Q(summary__icontains=word)
    number = NUMBER.fullmatch(word)
    return found | Q(number=int(number[1])) if number else found


def _rank(name: str, values: list[str]) -> Case:
    """Its place in the order of the domain, not of the alphabet."""
    places = [When(**{name: value}, then=Value(place)) for place, value in enumerate(values)]
    return Case(*places, default=Value(len(values)), output_field=IntegerField())
