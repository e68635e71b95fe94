"""A person's own pages: accepting an invitation, and what they say about themselves."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from crisiscomms import digest, invitations, people, ways
from crisiscomms.forms import InvitationForm, SelfForm, WaysForm
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from crisiscomms.signin.rules import has_second_factor
from crisiscomms.signin.views import ask_to_sign_in

PAGE = ["GET", "HEAD", "POST"]


@login_not_required
def sign_in(request: HttpRequest) -> HttpResponse:
    """On an empty installation there is nobody to sign in as: the way leads to its first minutes."""
    if not User.objects.get_queryset().exists():
        return redirect("welcome")
    return ask_to_sign_in(request)


@login_not_required
@never_cache
@require_http_methods(PAGE)
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Opening it changes nothing: mail scanners open links too. Setting the password uses it up."""
    try:
        found = invitations.find(token, request.now)
    except Refused as refusal:
        return render(request, "account/invitation.html", {"over": str(refusal)}, status=410)
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            person = invitations.accept(token=token, password=form.cleaned_data["password"], now=request.now)
        except Refused as refusal:
            form.add_error("password", str(refusal))
        else:
            if has_second_factor(person):
                # They came by another way before: a link in a mailbox does not replace what they set up then.
                messages.success(request, "Your password is set. Sign in with it and your second factor.")
                return redirect("account_login")
            login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
            messages.success(request, f"Welcome, {person.name}.")
            return redirect("desk:home")
    context = {"form": form, "person": found.person}
    return render(request, "account/invitation.html", context, status=422 if form.is_bound else 200)


@require_http_methods(PAGE)
def me(request: HttpRequest) -> HttpResponse:
    """Where I can be reached, in which zone, and who stands in for me while I am away."""
    form = _self_form(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            people.change_self(person=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect("account_me")
    return _show_me(request, form, _ways_form(request, None))


@require_http_methods(PAGE)
def told(request: HttpRequest) -> HttpResponse:
    """The part of the same page that says how I am told what."""
    form = _ways_form(request, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            ways.choose(person=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Saved. It counts for what you are told from now on.")
            return redirect("account_me")
    return _show_me(request, _self_form(request, None), form)


def _self_form(request: HttpRequest, typed: QueryDict | None) -> SelfForm:
    mine = User.objects.get_queryset().get(pk=request.user.pk)
    return SelfForm(typed, instance=mine, now=request.now)


def _ways_form(request: HttpRequest, typed: QueryDict | None) -> WaysForm:
    return WaysForm(typed, choice=ways.choice_of(request.user), with_chat=ways.has_chat(), prefix="told")


def _show_me(request: HttpRequest, form: SelfForm, ways_form: WaysForm) -> HttpResponse:
    context = {
        "form": form,
        "ways": ways_form,
        "has_chat": ways.has_chat(),
        "digest_hour": digest.HOUR,
        "is_out": request.user.is_out(request.now),
    }
    status = 422 if form.is_bound or ways_form.is_bound else 200
    return render(request, "account/me.html", context, status=status)
