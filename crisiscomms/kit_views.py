"""The page for builders: every part of the kit in every state, working as it does on the real pages."""

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from crisiscomms import policy, tables
from crisiscomms.live import live
from crisiscomms.models import User
from crisiscomms.policy_form import DrawnGroup, PolicyFieldsForm
from crisiscomms.setup_views import administrators
from crisiscomms.table_views import remembers
from crisiscomms.tables import Column, Table

BEGUN = "kit_progress_begun"
PER_SECOND = 400
ROWS = 4_000
FLASHES = {
    "success": (messages.SUCCESS, "Update 3 went out to 4 212 people."),
    "info": (messages.INFO, "Suri Vandermoss is writing here now."),
    "warning": (messages.WARNING, "The approvals no longer count: the text was edited."),
    "error": (messages.ERROR, "Not sent: the mail relay refused the connection. It will be tried again."),
}
PEOPLE = Table(
    key="kit",
    order="name",
    nouns=("person", "people"),
    page_size=5,
    columns=(
        Column("name", "Name", lambda one: one.name, sort="name", is_fixed=True),
        Column("email", "E-mail", lambda one: one.email, sort="email"),
        Column("title", "What they do", lambda one: one.title or "–"),
        Column("zone", "Time zone", lambda one: one.time_zone, is_shown=False),
    ),
)


# Parts that a house above draws: template, and what it needs at a moment.
_guests: list[tuple[str, Callable[[datetime], dict[str, Any]]]] = []


def show(template: str, context: Callable[[datetime], dict[str, Any]]) -> None:
    """Let a house above show its own parts at the end of the page, as `shown`."""
    _guests.append((template, context))


class FindPeople(forms.Form):
    q = forms.CharField(label="Name or e-mail", required=False, max_length=100)
    access = forms.ChoiceField(
        label="Access", required=False, choices=[("", "All"), ("yes", "Has access"), ("no", "Has none")]
    )


class EveryField(forms.Form):
    """One field of every kind. Nothing typed here is kept."""

    line = forms.CharField(label="What happened", max_length=40, help_text="As a customer would say it.")
    reason = forms.CharField(label="Reason", min_length=10, widget=forms.Textarea(attrs={"rows": 2}))
    email = forms.EmailField(label="E-mail", required=False)
    number = forms.IntegerField(label="Minutes", min_value=5, max_value=240)
    day = forms.DateField(label="Day", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    severity = forms.ChoiceField(
        label="Severity", choices=[("", "Choose one"), ("critical", "Critical"), ("minor", "Minor")]
    )
    channel = forms.ChoiceField(
        label="Channel", choices=[("email", "E-mail"), ("status", "Status page")], widget=forms.RadioSelect
    )
    tiers = forms.MultipleChoiceField(
        label="Tiers", choices=[("1", "Tier 1"), ("2", "Tier 2")], widget=forms.CheckboxSelectMultiple
    )
    file = forms.FileField(label="File", required=False, help_text="Read and thrown away.")
    agreed = forms.BooleanField(label="I have read it")


def _narrow(people: QuerySet[User], wanted: dict[str, Any]) -> QuerySet[User]:
    if wanted["access"]:
        people = people.filter(is_active=wanted["access"] == "yes")
    for word in wanted["q"].split():
        people = people.filter(Q(name__icontains=word) | Q(email__icontains=word))
    return people


@require_http_methods(["GET", "HEAD", "POST"])
@administrators
@remembers(PEOPLE, FindPeople)
def kit(request: HttpRequest) -> HttpResponse:
    form = EveryField()
    if request.method == "POST":
        press = request.POST.get("press", "")
        if press in FLASHES:
            messages.add_message(request, *FLASHES[press])
            return redirect("kit")
        if press == "begin":
            request.session[BEGUN] = request.now.isoformat()
            return redirect(f"{request.path}#progress")
        form = EveryField(request.POST, request.FILES)
        if form.is_valid():
            messages.success(request, "Every answer is fine. Nothing was kept.")
            return redirect("kit")
    return _page(request, form)


def _page(request: HttpRequest, form: EveryField) -> HttpResponse:
    now = request.now
    view = tables.look(PEOPLE, User.objects.get_queryset(), request.GET, FindPeople(request.GET), _narrow)
    context = {
        "form": form,
        "view": view,
        "mark": "",
        "flashes": FLASHES,
        "times": {
            "far": now + timedelta(hours=2),
            "soon": now + timedelta(minutes=9),
            "late": now - timedelta(minutes=6),
            "early": now - timedelta(minutes=10),
            "span": timedelta(minutes=38),
        },
        "deadlines": _deadlines(now),
        "differences": [("remind_before_minutes", "15", "20"), ("escalate_to", "lead", "lead, then executive")],
        "present": SimpleNamespace(others=[(request.user, False), (request.user, True)]),
        "rules": [*_rules("incidents", now)[3:], *_rules("delivery", now)[2:3]],
        "guests": [{"template": template, "shown": guest(now)} for template, guest in _guests],
        **_progress(request),
    }
    return render(request, "crisiscomms/kit/page.html", context, status=422 if form.is_bound else view.status)


def _rules(key: str, now: datetime) -> list[DrawnGroup]:
    """The groups of a policy as its page draws them; none where it was never loaded."""
    about, version = policy.description_of(key), policy.newest(key)
    return PolicyFieldsForm(None, about=about, version=version).drawn([version], now) if about and version else []


def _deadlines(now: datetime) -> list[Any]:
    """One deadline in each state, as the houses above keep them."""
    due, ahead, minutes = now - timedelta(hours=1), now + timedelta(hours=1), timedelta(minutes=6)
    seen = [("pending", ahead, None), ("met", due, due - minutes), ("met", due, due + minutes)]
    seen += [("missed", due, None), ("waived", due, None)]
    return [SimpleNamespace(state=state, due_at=due_at, met_at=met_at) for state, due_at, met_at in seen]


@require_safe
@administrators
def progress(request: HttpRequest) -> HttpResponse:
    return live(request, "crisiscomms/kit/progress.html", _progress(request))


def _progress(request: HttpRequest) -> dict[str, Any]:
    """How far the count is that this session began; none was begun: nothing moves."""
    begun = request.session.get(BEGUN)
    if begun is None:
        return {"progress": None}
    seconds = (request.now - datetime.fromisoformat(begun)).total_seconds()
    done = max(0, min(ROWS, int(seconds * PER_SECOND)))
    return {"progress": {"done": done, "total": ROWS, "moves": done < ROWS}}
