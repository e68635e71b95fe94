"""Rules over signals: the list, the editor, and trying one against what came before."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crisiscomms.refusal import Conflict, Refused
from incidents import access, actions
from incidents.forms.thresholds import Editor
from incidents.models import ThresholdRule
from incidents.noticing import proposals, thresholds, trying

PAGE = ["GET", "HEAD", "POST"]


def _editors_only(request: HttpRequest) -> None:
    if not proposals.may_edit_rules(request.user):
        raise Http404


@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    """All rules in the order in which they are asked."""
    access.page(request.user, "report")
    rows = [_row(rule) for rule in ThresholdRule.objects.all()]
    context = {"rows": rows, "may_edit": proposals.may_edit_rules(request.user)}
    return render(request, "incidents/threshold_list.html", context)


def _row(rule: ThresholdRule) -> dict[str, Any]:
    read = thresholds.read(rule.data)
    return {
        "rule": rule,
        "said": thresholds.described(read),
        "match": read.match,
        "outcome": thresholds.OUTCOMES[read.outcome],
        "opens": read.opens_watch_item,
        "severity": read.severity,
    }


@require_http_methods(PAGE)
def new_rule(request: HttpRequest) -> HttpResponse:
    _editors_only(request)
    editor = Editor(request.POST if request.method == "POST" else None)
    if editor.posted is not None and not editor.only_grows and editor.is_valid():
        try:
            rule = actions.add_threshold_rule(
                name=editor.form.cleaned_data["name"], data=editor.data(), by=request.user, now=request.now
            )
        except Refused as refusal:
            editor.form.add_error(None, str(refusal))
        else:
            messages.success(request, "The rule is added, and off. Try it against what came before, then switch it on.")
            return redirect("incidents:threshold_try", rule.pk)
    return _editor_page(request, editor)


@require_http_methods(PAGE)
def rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    _editors_only(request)
    row = get_object_or_404(ThresholdRule, pk=rule_id)
    editor = Editor(request.POST if request.method == "POST" else None, row.data, row.name)
    base = str(request.POST.get("base", row.version))
    status = 0
    if editor.posted is not None and not editor.only_grows and editor.is_valid():
        try:
            actions.change_threshold_rule(
                rule_id=row.pk,
                base=int(base) if base.isdigit() and len(base) < 9 else 0,
                name=editor.form.cleaned_data["name"],
                data=editor.data(),
                by=request.user,
                now=request.now,
            )
        except Refused as refusal:
            editor.form.add_error(None, str(refusal))
            status = 409 if isinstance(refusal, Conflict) else 0
        else:
            messages.success(request, "Saved. What it would have done with what came before stands here.")
            return redirect("incidents:threshold_try", row.pk)
    return _editor_page(request, editor, rule=row, base=base, status=status)


def _editor_page(
    request: HttpRequest, editor: Editor, *, rule: ThresholdRule | None = None, base: str = "1", status: int = 0
) -> HttpResponse:
    usual = 422 if editor.posted is not None and not editor.only_grows else 200
    if editor.only_grows:
        # A press that only adds a line is no attempt to save: nothing is wrong yet.
        editor.form.errors.clear()
        for row in (row for group in editor.groups for row in group["rows"]):
            row.errors.clear()
    context = {"editor": editor, "form": editor.form, "rule": rule, "base": base}
    if rule is not None:
        context["versions"] = rule.versions.select_related("by").order_by("-number")[:20]
    return render(request, "incidents/threshold_edit.html", context, status=status or usual)


@require_GET
def try_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """What the rule would have done with the signals of the last days. Changes nothing."""
    access.page(request.user, "report")
    row = get_object_or_404(ThresholdRule, pk=rule_id)
    asked = request.GET.get("days", "30")
    days = int(asked) if asked in {str(one) for one in trying.DAYS} else 30
    context = {
        "rule": row,
        "said_row": _row(row),
        "trial": trying.trial(row, days=days, by=request.user, now=request.now),
        "days": trying.DAYS,
        "may_edit": proposals.may_edit_rules(request.user),
    }
    return render(request, "incidents/threshold_try.html", context)


@require_POST
def switch_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    _editors_only(request)
    row = get_object_or_404(ThresholdRule, pk=rule_id)
    is_on = request.POST.get("on") == "1"
    actions.switch_threshold_rule(rule_id=row.pk, is_on=is_on, by=request.user, now=request.now)
    messages.success(request, f"“{row.name}” is {'on' if is_on else 'off'}.")
    return redirect("incidents:thresholds")


@require_POST
def raise_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    _editors_only(request)
    row = get_object_or_404(ThresholdRule, pk=rule_id)
    actions.raise_threshold_rule(rule_id=row.pk, by=request.user, now=request.now)
    return redirect("incidents:thresholds")
