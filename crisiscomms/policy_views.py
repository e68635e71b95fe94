"""Policies on pages: read, edited by fields or as text, and their history. Both ways end in `policy.change`."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from crisiscomms import changes, policy, presence
from crisiscomms.forms import PolicyForm
from crisiscomms.models import ControlChange, Policy
from crisiscomms.policy import BadPolicy, Description
from crisiscomms.policy_form import PolicyFieldsForm
from crisiscomms.policy_outline import merged
from crisiscomms.refusal import Conflict, Refused
from crisiscomms.setup_views import PAGE, administrators

VERSIONS_SHOWN = 50
Rows = list[tuple[str, str, str]]


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


@dataclass
class _Answer:
    """What a press led to: the form to show again, or where to go."""

    form: Any
    status: int = 200
    preview: Rows = field(default_factory=list)
    conflict: str = ""
    theirs: Rows = field(default_factory=list)
    mine: Rows = field(default_factory=list)
    done: HttpResponse | None = None


@require_http_methods(PAGE)
@administrators
def fields_page(request: HttpRequest, key: str) -> HttpResponse:
    """What is in force, as fields, and its history. A change is first looked at as differences, then made."""
    about, newest = _policy(key)
    try:
        form = PolicyFieldsForm(request.POST or None, about=about, version=_seen(request, newest))
        answer = _of_fields(request, form, newest) if request.method == "POST" else _Answer(form)
    except BadPolicy:
        # What an earlier release wrote may not fit; as text it can be mended.
        return redirect("setup_policy_text", key)
    if answer.done:
        return answer.done
    versions = list(_versions(key))
    labels = answer.form.labels()
    extra = {
        "groups": answer.form.drawn(versions, request.now),
        **{name: _labelled(getattr(answer, name), labels) for name in ("preview", "theirs", "mine")},
    }
    return _page(request, "crisiscomms/policy_fields.html", about, newest, answer, **extra)


def _of_fields(request: HttpRequest, form: PolicyFieldsForm, newest: Policy) -> _Answer:
    if not form.is_valid():
        return _Answer(form, 422)
    base, data, reason = form.version, form.typed(), form.cleaned_data["reason"]
    try:
        preview = policy.differences(base.data, policy.checked(form.about, data))
        if "change" in request.POST:
            done = _change(request, form.about.key, base=base.version, data=data, reason=reason)
            return _Answer(form, done=done)
        return _Answer(form, preview=preview)
    except BadPolicy as bad:
        form.place(bad)
    except Conflict as conflict:
        values = list(form.values.values())
        both = merged(values, base=base.data, theirs=newest.data, mine=data)
        again = PolicyFieldsForm(None, about=form.about, version=newest, data=both, reason=reason)
        theirs, mine = policy.differences(base.data, newest.data), policy.differences(base.data, data)
        return _Answer(again, 409, conflict=str(conflict), theirs=theirs, mine=mine)
    except Refused as refusal:
        form.add_error("reason", str(refusal))
    return _Answer(form, 422)


@require_http_methods(PAGE)
@administrators
def text_page(request: HttpRequest, key: str) -> HttpResponse:
    """The same policy as text: for what is no field, such as entries that come or go."""
    about, newest = _policy(key)
    text = policy.written(about, newest.data)
    form = PolicyForm(request.POST or None, initial={"base": newest.version, "text": text})
    answer = _of_text(request, form, about, newest) if request.method == "POST" else _Answer(form)
    return answer.done or _page(request, "crisiscomms/policy_text.html", about, newest, answer)


def _of_text(request: HttpRequest, form: PolicyForm, about: Description, newest: Policy) -> _Answer:
    if not form.is_valid():
        return _Answer(form, 422)
    typed = form.cleaned_data
    try:
        data = policy.checked(about, policy.read(typed["text"]))
        if "change" in request.POST:
            done = _change(request, about.key, base=typed["base"], data=data, reason=typed["reason"])
            return _Answer(form, done=done)
        return _Answer(form, preview=policy.differences(newest.data, data))
    except BadPolicy as bad:
        for fault in bad.faults:
            form.add_error("text", fault)
    except Conflict as conflict:
        seen = _seen(request, newest)
        again = PolicyForm(initial={**typed, "base": newest.version})
        theirs, mine = policy.differences(seen.data, newest.data), policy.differences(seen.data, data)
        return _Answer(again, 409, conflict=str(conflict), theirs=theirs, mine=mine)
    except Refused as refusal:
        form.add_error("reason", str(refusal))
    return _Answer(form, 422)


def _page(
    request: HttpRequest, template: str, about: Description, newest: Policy, answer: _Answer, **extra: Any
) -> HttpResponse:
    context = {
        "about": about,
        "newest": newest,
        "here": presence.look(f"policy:{about.key}", by=request.user, now=request.now),
        "answer": answer,
        "form": answer.form,
        "preview": answer.preview,
        "theirs": answer.theirs,
        "mine": answer.mine,
        "looked": request.method == "POST" and answer.status == 200,
        "versions": _versions(about.key)[:VERSIONS_SHOWN],
        "waiting": ControlChange.objects.filter(subject=f"policy:{about.key}", state="open").first(),
        "takes_two": about.is_control and bool(changes.others(request.user)),
    }
    return render(request, template, {**context, **extra}, status=answer.status)


def _seen(request: HttpRequest, newest: Policy) -> Policy:
    """The version that the press was looking at; the newest for one that never was."""
    base = request.POST.get("base", "")
    if not (base.isascii() and base.isdigit() and len(base) < 8):
        return newest
    return Policy.objects.filter(key=newest.key, version=int(base)).select_related("changed_by").first() or newest


def _change(request: HttpRequest, key: str, *, base: int, data: dict[str, Any], reason: str) -> HttpResponse:
    made = policy.change(key=key, base=base, data=data, reason=reason, by=request.user, now=request.now)
    if isinstance(made, ControlChange):
        messages.success(request, "A second administrator has been asked. Until then nothing changes.")
        return redirect("setup_change", made.pk)
    messages.success(request, f"Version {made.version} counts from now on.")
    return redirect("setup_policy", key)


def _labelled(rows: Rows, labels: dict[str, str]) -> Rows:
    return [(labels.get(where, where), before, after) for where, before, after in rows]


def _versions(key: str) -> Any:
    return Policy.objects.filter(key=key).select_related("changed_by").order_by("-version")


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


def _policy(key: str) -> tuple[Description, Policy]:
    about = policy.description_of(key)
    if about is None or not Policy.objects.filter(key=key).exists():
        raise Http404
    return about, policy.newest(key)
