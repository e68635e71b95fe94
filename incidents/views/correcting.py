"""Putting right what was noted about a mention or a competitor's reaction."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from crisiscomms.refusal import Conflict, Refused
from incidents import access, actions, forms
from incidents.actions.correcting import CORRECT, FORGOTTEN
from incidents.actions.mentions import can
from incidents.models import CompetitorReaction, Mention
from incidents.outside import corrections
from incidents.views.outward import PAGE

Row = Mention | CompetitorReaction
CorrectForm = forms.CorrectMentionForm | forms.CorrectReactionForm


@require_http_methods(PAGE)
def mention(request: HttpRequest, mention_id: int) -> HttpResponse:
    row = access.get_mention(request.user, mention_id)
    access.page(request.user, "work")
    return _page(
        request,
        row,
        forms.CorrectMentionForm,
        lambda data: actions.correct_mention(mention_id=row.pk, **data, by=request.user, now=request.now),
        back=redirect("incidents:mention", row.pk),
    )


@require_http_methods(PAGE)
def reaction(request: HttpRequest, number: int, reaction_id: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    access.page(request.user, "work")
    row = incident.competitor_reactions.filter(pk=reaction_id).first()
    if row is None:
        raise Http404
    return _page(
        request,
        row,
        forms.CorrectReactionForm,
        lambda data: actions.correct_reaction(reaction_id=row.pk, **data, by=request.user, now=request.now),
        back=redirect("incidents:competitor", number, row.pk),
    )


def _why_over(row: Row) -> str:
    """What was struck out or forgotten is not put right any more."""
    if isinstance(row, Mention) and row.struck_at is not None:
        return f"This was struck out by {row.struck_by} already."
    return FORGOTTEN if isinstance(row, Mention) and row.forgotten_at is not None else ""


def _is_newer(row: Row, seen: int) -> bool:
    """Somebody else put it right since the page was read."""
    return type(row).objects.filter(pk=row.pk, version__gt=seen).exists()


def _page(
    request: HttpRequest, row: Row, kind: type[CorrectForm], correct: Callable[[Any], Any], *, back: HttpResponse
) -> HttpResponse:
    """The form as it was noted. Somebody else's correction is shown beside what was typed: nothing is lost."""
    answer = can(row.incident, request.user, request.now)[CORRECT]
    over = _why_over(row)
    if request.method != "POST" and (over or not answer.may):
        messages.error(request, over or answer.why_not)
        return back
    form = kind(request.POST or None, row=row, now=request.now)
    has_conflict = False
    if request.method == "POST" and form.is_valid():
        try:
            correct(form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            has_conflict = isinstance(refusal, Conflict) and _is_newer(row, form.cleaned_data["seen"])
        else:
            messages.success(request, "Corrected.")
            return back
    if has_conflict:
        # Theirs is shown beside what was typed; pressed again, it is on purpose.
        row.refresh_from_db()
        form.data = request.POST.copy()
        form.data["seen"] = str(row.version)
    context = {
        "row": row,
        "mention": row if isinstance(row, Mention) else None,
        "incident": row.incident,
        "form": form,
        "theirs": corrections.of(row)[:1] if has_conflict else [],
        "back": back.url,
    }
    status = 409 if has_conflict else 422 if request.method == "POST" else 200
    return render(request, "incidents/noted_correct.html", context, status=status)
