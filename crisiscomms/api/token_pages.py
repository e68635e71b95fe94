"""A person's own page of API tokens. It needs a session: no token makes another."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from crisiscomms.api import tokens
from crisiscomms.forms import OneLine
from crisiscomms.models import ApiToken, TokenScope
from crisiscomms.refusal import Refused

# House → its name on the page, and what its two scopes open today.
HOUSES = {
    "": ("Everything", "All of the below, and what will come."),
    "incidents": (
        "Incidents",
        "Incidents with all that is in them, signals, playbooks, products. Write: what you may do on their pages.",
    ),
    "stakeholders": ("Contacts", "Accounts and contacts. There is nothing to write yet."),
    "messages": ("Messages", "Messages and their versions. There is nothing to write yet."),
    "delivery": ("Sending", "What was sent, with its counts. There is nothing to write yet."),
    "recovery": ("Recovery", "There is nothing to read or write yet."),
}


def _boxes() -> forms.CheckboxSelectMultiple:
    return forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"})


class TokenForm(forms.Form):
    name = OneLine(label="What is it for?", max_length=80, help_text="For example: dashboard in the war room.")
    scopes = forms.MultipleChoiceField(label="It may", choices=TokenScope, widget=_boxes())
    days = forms.IntegerField(
        label="Days until it expires",
        min_value=1,
        max_value=tokens.MOST_DAYS,
        initial=tokens.DEFAULT_DAYS,
        help_text=f"At most {tokens.MOST_DAYS}. Then make a new one.",
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    """The text of a new token stands on the answer to the press that made it, and nowhere else ever."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            token, text = tokens.make_token(**form.cleaned_data, by=request.user, now=request.now)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return _page(request, TokenForm(), new={"token": token, "text": text})
    return _page(request, form, status=422 if form.is_bound else 200)


def _page(request: HttpRequest, form: TokenForm, *, status: int = 200, **context: Any) -> HttpResponse:
    mine = ApiToken.objects.filter(user=request.user).order_by("-created", "-pk")[:100]
    rows = [{"token": token, "state": _state(token, request)} for token in mine]
    context |= {"form": form, "rows": rows, "houses": _houses(form)}
    return render(request, "crisiscomms/token_list.html", context, status=status)


def _houses(form: TokenForm) -> list[tuple[str, str, list[tuple[str, Any]]]]:
    """(house, what is there, its boxes as (verb, box)), in the order of the page."""
    boxes: dict[str, list[tuple[str, Any]]] = {house: [] for house in HOUSES}
    for box in form["scopes"]:
        house, _, verb = box.data["value"].rpartition(":")
        boxes[house].append((verb, box))
    return [(*HOUSES[house], found) for house, found in boxes.items()]


def _state(token: ApiToken, request: HttpRequest) -> str:
    if token.revoked_at:
        return "revoked"
    return "expired" if token.is_expired(request.now) else "living"


@require_POST
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    if not ApiToken.objects.filter(pk=token_id, user=request.user).exists():
        raise Http404
    token = tokens.revoke_token(token_id=token_id, by=request.user, now=request.now)
    messages.success(request, f"“{token.name}” is revoked. Programs that use it get no answer from now on.")
    return redirect("account_tokens")
