"""Setting up, by administrators: one page per thing, each press one action."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crisiscomms import audit, changes, checklist, credentials, handover, invitations, lost_mails, policy
from crisiscomms import people as actions
from crisiscomms.forms import ChangeForm, LeaveForm, OrganisationForm, PersonForm, PolicyForm, SecretForm
from crisiscomms.models import AuditEvent, ControlChange, Credential, Policy, Role, User
from crisiscomms.organisation import get_organisation, set_organisation
from crisiscomms.policy import BadPolicy
from crisiscomms.refusal import Conflict, Refused

PAGE = ["GET", "HEAD", "POST"]
RECORD_PAGE = 50
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
def people(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST or None, now=request.now)
    if request.method == "POST" and form.is_valid():
        try:
            person = actions.add_person(by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            form.add_error("email", str(refusal))
        else:
            messages.success(request, f"{person.name} is added, and invited by mail.{_second(person)}")
            return redirect("setup_people")
    everybody = User.objects.get_queryset().order_by("-is_active", "name").select_related("deputy")
    invited = set(User.objects.active().filter(invitations__accepted_at=None, invitations__withdrawn_at=None,
                                               invitations__isnull=False).values_list("pk", flat=True))  # fmt: skip
    context = {"form": form, "people": everybody, "invited": invited, "roles": Role.choices}
    return render(request, "crisiscomms/person_list.html", context, status=_status(form))


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
            messages.success(request, f"Saved.{_second(changed)}")
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


def _second(person: User) -> str:
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
def policies(request: HttpRequest) -> HttpResponse:
    counts = dict(Policy.objects.values_list("key").annotate(Count("pk")))
    rows = [
        {"about": one, "newest": policy.newest(one.key), "versions": counts[one.key]}
        for one in policy.descriptions()
        if one.key in counts
    ]
    return render(request, "crisiscomms/policy_list.html", {"rows": rows})


@require_http_methods(PAGE)
@administrators
def policy_page(request: HttpRequest, key: str) -> HttpResponse:
    """What is in force, its history, and changing it: first looked at as differences, then made."""
    about, newest = _policy(key)
    form = PolicyForm(
        request.POST or None, initial={"base": newest.version, "text": policy.written(about, newest.data)}
    )
    preview: list[tuple[str, str, str]] = []
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                preview = policy.differences(newest.data, policy.checked(about, policy.read(form.cleaned_data["text"])))
                if "change" in request.POST:
                    return _changed(request, key, form.cleaned_data)
                status = 200
            except BadPolicy as bad:
                for fault in bad.faults:
                    form.add_error("text", fault)
            except Conflict as conflict:
                form.add_error(None, str(conflict))
                status = 409
            except Refused as refusal:
                form.add_error("reason", str(refusal))
    context = {
        "about": about,
        "newest": newest,
        "form": form,
        "preview": preview,
        "looked": request.method == "POST" and not form.errors,
        "versions": Policy.objects.filter(key=key).select_related("changed_by").order_by("-version")[:50],
        "waiting": ControlChange.objects.filter(subject=f"policy:{key}", state="open").first(),
        "takes_two": about.is_control and bool(changes.others(request.user)),
    }
    return render(request, "crisiscomms/policy.html", context, status=status)


def _changed(request: HttpRequest, key: str, typed: dict[str, Any]) -> HttpResponse:
    made = policy.change(
        key=key,
        base=typed["base"],
        data=policy.read(typed["text"]),
        reason=typed["reason"],
        by=request.user,
        now=request.now,
    )
    if isinstance(made, ControlChange):
        messages.success(request, "A second administrator has been asked. Until then nothing changes.")
        return redirect("setup_change", made.pk)
    messages.success(request, f"Version {made.version} counts from now on.")
    return redirect("setup_policy", key)


@require_safe
@administrators
def policy_version(request: HttpRequest, key: str, version: int) -> HttpResponse:
    about, newest = _policy(key)
    row = get_object_or_404(Policy.objects.select_related("changed_by"), key=key, version=version)
    before = Policy.objects.filter(key=key, version=version - 1).first()
    context = {
        "about": about,
        "newest": newest,
        "row": row,
        "text": policy.written(about, row.data),
        "changed": policy.differences(before.data, row.data) if before else [],
    }
    return render(request, "crisiscomms/policy_version.html", context)


def _policy(key: str) -> tuple[policy.Description, Policy]:
    about = policy.description_of(key)
    if about is None or not Policy.objects.filter(key=key).exists():
        raise Http404
    return about, policy.newest(key)


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


@require_safe
@administrators
def record(request: HttpRequest) -> HttpResponse:
    """Who changed what: the installation's own chain, newest first."""
    before = request.GET.get("before", "")
    rows = AuditEvent.objects.filter(chain=audit.INSTALLATION).select_related("actor", "detail").order_by("-number")
    if before.isascii() and before.isdigit() and len(before) < 10:
        rows = rows.filter(number__lt=int(before))
    page = list(rows[: RECORD_PAGE + 1])
    context = {
        "rows": page[:RECORD_PAGE],
        "older": page[RECORD_PAGE - 1].number if len(page) > RECORD_PAGE else None,
        "is_first": not before,
        "faults": list(audit.faults(audit.INSTALLATION))[:5] if "check" in request.GET else None,
    }
    return render(request, "crisiscomms/record.html", context)
