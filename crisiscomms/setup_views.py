"""Setting up, by administrators: one page per thing, each press one action."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crisiscomms import changes, checklist, credentials, handover, invitations, lost_lines, lost_mails
from crisiscomms import people as actions
from crisiscomms.forms import ChangeForm, LeaveForm, OrganisationForm, PersonForm, SecretForm
from crisiscomms.models import ControlChange, Credential, Role, User
from crisiscomms.organisation import get_organisation, set_organisation
from crisiscomms.refusal import Conflict, Refused

PAGE = ["GET", "HEAD", "POST"]
LOST_SHOWN = 20
View = Callable[..., HttpResponse]


def administrators(view: View) -> View:
    """404 for everybody else: hidden and missing look alike. The actions check again."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_role(Role.ADMINISTRATOR):
            raise Http404
        return view(request, *args, **kwargs)

    return checked


def _status(*forms: Any) -> int:
    return 422 if any(form.is_bound for form in forms) else 200


@require_safe
@administrators
def checklist_page(request: HttpRequest) -> HttpResponse:
    """What an installation needs before its first message, in an order that works."""
    seen = checklist.look()
    needed = [one for one in seen if not one.step.optional]
    context = {
        "seen": seen,
        "done": sum(one.is_done for one in needed),
        "needed": len(needed),
        "following": next((one.step.key for one in needed if not one.is_done), ""),
        "lost": lost_mails.recent(request.now)[:LOST_SHOWN],
        "lost_said": lost_mails.said(lost_mails.recent(request.now).count()),
        "lines": lost_lines.recent(request.now)[:LOST_SHOWN],
        "lines_said": lost_lines.said(lost_lines.recent(request.now).count()),
    }
    return render(request, "crisiscomms/setup.html", context)


@require_POST
@administrators
def try_step(request: HttpRequest, key: str) -> HttpResponse:
    """Press a step's own button: send the test mail, write to the storage."""
    step = next((one.step for one in checklist.look() if one.step.key == key and one.step.attempt), None)
    if step is None or step.attempt is None:
        raise Http404
    try:
        messages.success(request, step.attempt(request.user, request.now))
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("setup")


@require_POST
@administrators
def retry_mails(request: HttpRequest) -> HttpResponse:
    try:
        count = lost_mails.try_again(by=request.user, now=request.now)
        messages.success(request, f"{lost_mails.said(count)}: being tried again now.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("setup")


@require_POST
@administrators
def retry_lines(request: HttpRequest) -> HttpResponse:
    try:
        count = lost_lines.try_again(by=request.user, now=request.now)
        messages.success(request, f"{lost_lines.said(count)}: being tried again now.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("setup")


@require_http_methods(PAGE)
@administrators
def organisation(request: HttpRequest) -> HttpResponse:
    form = OrganisationForm(request.POST or None, request.FILES or None, instance=get_organisation())
    if request.method == "POST" and form.is_valid():
        set_organisation(by=request.user, now=request.now, **form.changes())
        messages.success(request, "Saved.")
        return redirect("setup_organisation")
    context = {"form": form, "has_logo": bool(get_organisation().logo)}
    return render(request, "crisiscomms/organisation.html", context, status=_status(form))


@require_http_methods(PAGE)
@administrators
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    who = get_object_or_404(User.objects.get_queryset(), pk=person_id)
    was_active, seen = who.is_active, actions.as_seen(who)
    form = PersonForm(request.POST or None, instance=who, initial={"seen": seen}, now=request.now)
    leave = LeaveForm(request.POST or None, person_id=person_id)
    status = 0
    if request.method == "POST" and form.is_valid() and leave.is_valid():
        try:
            changed = actions.change_person(
                person_id=person_id, by=request.user, now=request.now, **form.cleaned_data, **leave.cleaned_data
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
            if isinstance(refusal, Conflict):
                # What was typed stays; saving it again is a choice made after reading what is now.
                status = 409
                form.data = request.POST.copy()
                form.data["seen"] = seen
        else:
            messages.success(request, f"Saved.{second_person(changed)}")
            return redirect("setup_people")
    # The form has put what was typed on its instance; the page shows who it is in the database.
    who = get_object_or_404(User.objects.get_queryset(), pk=person_id)
    context = {
        "form": form,
        "leave": leave,
        "person": who,
        "held": handover.held_by(who) if was_active else [],
        "invitation": who.invitations.filter(accepted_at=None, withdrawn_at=None).first(),
        "never_signed_in": not who.has_usable_password(),
        "waiting": ControlChange.objects.filter(subject=f"person:{who.pk}", state="open"),
    }
    return render(request, "crisiscomms/person_edit.html", context, status=status or _status(form))


def second_person(person: User) -> str:
    """What is still to be said when something about them waits for another administrator."""
    waiting = ControlChange.objects.filter(subject=f"person:{person.pk}", state="open").order_by("pk")
    return "".join(f" A second administrator has to confirm: {one.title}." for one in waiting)


@require_POST
@administrators
def invite(request: HttpRequest, person_id: int) -> HttpResponse:
    who = get_object_or_404(User.objects.get_queryset(), pk=person_id)
    try:
        invitations.invite(person_id=who.pk, by=request.user, now=request.now)
        messages.success(request, f"{who.name} gets a new link. Earlier ones no longer work.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("setup_person", person_id)


@require_safe
@administrators
def integrations(request: HttpRequest) -> HttpResponse:
    have = {one.kind: one for one in Credential.objects.select_related("set_by")}
    rows = [{"about": kind, "have": have.get(kind.key)} for kind in credentials.kinds()]
    return render(request, "crisiscomms/integration_list.html", {"rows": rows})


@require_http_methods(PAGE)
@administrators
def integration(request: HttpRequest, kind: str) -> HttpResponse:
    """Set, try or remove one secret. What was stored is never shown."""
    about = next((one for one in credentials.kinds() if one.key == kind), None)
    if about is None:
        raise Http404
    form = SecretForm(request.POST if "set" in request.POST else None)
    if request.method == "POST":
        try:
            if "remove" in request.POST:
                credentials.remove(kind=kind, by=request.user, now=request.now)
                messages.success(request, "The secret is removed. The integration stands still from now on.")
                return redirect("setup_integrations")
            if "try" in request.POST:
                messages.success(request, credentials.attempt(kind=kind, by=request.user))
                return redirect("setup_integration", kind)
            if form.is_valid():
                asked = credentials.ask_to_set(kind=kind, by=request.user, now=request.now, **form.cleaned_data)
                said = "A second administrator has been asked." if asked else "The secret is set."
                messages.success(request, said)
                return redirect("setup_integrations")
        except Refused as refusal:
            form.add_error("secret", str(refusal)) if form.is_bound else messages.error(request, str(refusal))
    context = {
        "about": about,
        "have": Credential.objects.filter(kind=kind).select_related("set_by").first(),
        "form": form,
        "waiting": ControlChange.objects.filter(subject=f"credential:{kind}", state="open").first(),
    }
    return render(request, "crisiscomms/integration.html", context, status=_status(form))


@require_safe
@administrators
def changes_list(request: HttpRequest) -> HttpResponse:
    rows = ControlChange.objects.select_related("asked_by", "decided_by")
    context = {"open": rows.filter(state="open", expires_at__gt=request.now), "over": rows.exclude(state="open")[:50]}
    return render(request, "crisiscomms/change_list.html", context)


@require_http_methods(PAGE)
@administrators
def change(request: HttpRequest, change_id: int) -> HttpResponse:
    """What is asked for, by whom and why; the second person confirms or refuses. Opening it changes nothing."""
    row = get_object_or_404(ControlChange.objects.select_related("asked_by", "decided_by"), pk=change_id)
    form = ChangeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if "confirm" in request.POST:
                changes.confirm(change_id=row.pk, by=request.user, now=request.now)
                messages.success(request, "Confirmed. It counts from now on.")
            else:
                changes.refuse(change_id=row.pk, reason=form.cleaned_data["reason"], by=request.user, now=request.now)
                messages.success(request, "Done. Nothing was changed.")
            return redirect("setup_changes")
        except Refused as refusal:
            form.add_error(None, str(refusal))
        row.refresh_from_db()
    context = {
        "change": row,
        "form": form,
        "is_mine": row.asked_by_id == request.user.pk,
        "lapsed": row.is_expired(request.now),
    }
    return render(request, "crisiscomms/change.html", context, status=_status(form))
