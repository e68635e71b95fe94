"""The list of people: its columns, its filter, and what each of them means."""

from typing import Any

from django import forms
from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Value, When

from crisiscomms.models import Invitation, Role, User
from crisiscomms.tables import Column, Table

CELLS = "crisiscomms/person_cells.html"
ACCESS = {"active": "Has access", "invited": "Invited", "left": "No access"}


def _roles(person: User) -> str:
    return ", ".join(Role(role).label for role in person.roles)


PEOPLE = Table(
    key="people",
    order="access",
    nouns=("person", "people"),
    columns=(
        Column("name", "Name", str, f"{CELLS}#name", sort="name", is_fixed=True),
        Column("title", "What they do", lambda one: one.title),
        Column("email", "E-mail", lambda one: one.email, f"{CELLS}#email", sort="email"),
        Column("roles", "Roles", _roles, f"{CELLS}#roles"),
        Column("deputy", "Deputy", lambda one: str(one.deputy or ""), f"{CELLS}#deputy"),
        Column("phone", "Phone", lambda one: one.phone, is_shown=False),
        Column("zone", "Time zone", lambda one: one.time_zone, is_shown=False),
        Column(
            "access",
            "Access",
            lambda one: ACCESS[one.access],
            f"{CELLS}#access",
            sort="access_rank name",
            ways=("those with access first", "those without first"),
        ),
    ),
)


class FindPeople(forms.Form):
    q = forms.CharField(label="Name or e-mail", required=False, max_length=100)
    role = forms.ChoiceField(label="Role", required=False, choices=[("", "All"), *Role.choices])
    access = forms.ChoiceField(label="Access", required=False, choices=[("", "All"), *ACCESS.items()])


def listed() -> QuerySet[User]:
    """Everybody, each with where their access stands."""
    waiting = Invitation.objects.filter(person=OuterRef("pk"), accepted_at=None, withdrawn_at=None)
    # An invitation that waits says more than “has access”; of those without access it says nothing.
    access = Case(
        When(is_active=False, then=Value("left")),
        When(Exists(waiting), then=Value("invited")),
        default=Value("active"),
        output_field=CharField(),
    )
    return (
        User.objects.get_queryset()
        .select_related("deputy")
        .annotate(access=access, access_rank=Case(When(is_active=True, then=Value(0)), default=Value(1)))
    )


def narrow(people: QuerySet[User], wanted: dict[str, Any]) -> QuerySet[User]:
    if wanted["role"]:
        people = people.filter(roles__contains=[wanted["role"]])
    if wanted["access"]:
        people = people.filter(access=wanted["access"])
    for word in wanted["q"].split():
        people = people.filter(Q(name__icontains=word) | Q(email__icontains=word))
    return people
