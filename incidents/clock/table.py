"""The board of all clocks: its columns, its filter, and what each of them means."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from crisiscomms.models import User
from crisiscomms.tables import Column, Table
from incidents import deadlines
from incidents.models import Deadline

CELLS = "incidents/deadline_cells.html"
LATE = ("earliest first", "latest first")
OPEN = "open"


def title_of(deadline: Deadline) -> str:
    return deadline.title


CLOCKS = Table(
    key="clocks",
    order="due",
    nouns=("clock", "clocks"),
    columns=(
        Column("title", "What", title_of, f"{CELLS}#title", is_fixed=True),
        Column("due", "Due", lambda one: one.due_at, f"{CELLS}#due", sort="due_at", ways=LATE, is_fixed=True),
        Column("incident", "Incident", lambda one: one.incident.ref, f"{CELLS}#incident", sort="incident__number",
               ways=("oldest", "newest")),
        Column("owner", "Owner", lambda one: str(one.owner), f"{CELLS}#owner"),
        Column("state", "State", lambda one: one.get_state_display(), f"{CELLS}#state"),
        Column("kind", "Kind", lambda one: deadlines.kind_of(one).label, is_shown=False),
        Column("done", "Done", lambda one: one.met_at or "", f"{CELLS}#done", is_shown=False),
        Column("change", "Change", lambda one: "", f"{CELLS}#change", in_file=False),
    ),
    nothing="No clock fits the filter. “Everybody’s” or another state finds more.",
)  # fmt: skip


class ClockFilter(forms.Form):
    whose = forms.ChoiceField(label="Whose", required=False, choices=[("", "Everybody’s"), ("mine", "Mine")])
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "Open"), ("late", "Late"), ("met", "Met"), ("waived", "Waived"), ("all", "All")],
    )
    kind = forms.ChoiceField(label="Kind", required=False)
    incident = forms.IntegerField(label="Incident number", required=False, min_value=1, max_value=999_999_999)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", "All"), *deadlines.labels()]  # type: ignore[attr-defined]


def listed(user: User) -> QuerySet[Deadline]:
    return Deadline.objects.visible_to(user).select_related("incident", "owner", "taken_by")


def narrow_for(user: User) -> Any:
    """The filter of the board, for the person whose clocks “mine” are."""

    def narrow(clocks: QuerySet[Deadline], wanted: dict[str, Any]) -> QuerySet[Deadline]:
        states = {"": ["pending", "missed"], "late": ["missed"], "met": ["met"], "waived": ["waived"]}
        if wanted["state"] in states:
            clocks = clocks.filter(state__in=states[wanted["state"]])
        if wanted["whose"] == "mine":
            clocks = clocks.filter(owner=user)
        if wanted["kind"]:
            clocks = clocks.filter(kind=wanted["kind"])
        if wanted["incident"]:
            clocks = clocks.filter(incident__number=wanted["incident"])
        return clocks

    return narrow
