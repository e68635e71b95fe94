"""A person's own pages: accepting an invitation, and what they say about themselves."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from crisiscomms import invitations, people
from crisiscomms.forms import InvitationForm, SelfForm
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
    mine = User.objects.get_queryset().get(pk=request.user.pk)
    form = SelfForm(request.POST or None, instance=mine, now=request.now)
    if request.method == "POST" and form.is_valid():
        try:
            people.change_self(person=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect("account_me")
    context = {"form": form, "is_out": request.user.is_out(request.now)}
    return render(request, "account/me.html", context, status=422 if form.is_bound else 200)
