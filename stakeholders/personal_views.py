"""A person's data: what is held about them, taken out whole, or erased."""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from crisiscomms import personal
from crisiscomms.refusal import Refused
from stakeholders import access
from stakeholders.forms import EraseForm
from stakeholders.models import Contact


@require_http_methods(["GET", "HEAD", "POST"])
def data(request: HttpRequest, contact_id: int) -> HttpResponse:
    """What is held, what erasing would do, and the erasing itself, behind the typed address."""
    contact = access.get_contact_to_erase(request.user, contact_id)
    form = EraseForm(contact, request.POST or None)
    if request.method == "POST":
        if not form.is_valid():
            return _show(request, contact, form, status=422)
        try:
            personal.erase(person=_person(contact), by=request.user, now=request.now)
        except Refused as refusal:
            return _show(request, contact, form, error=str(refusal), status=409)
        return redirect("stakeholders:personal_data", contact.pk)
    return _show(request, contact, form)


@require_GET
def data_export(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Everything held about a person, as one JSON file."""
    contact = access.get_contact_to_erase(request.user, contact_id)
    person = _person(contact)
    text = json.dumps(personal.export(person), ensure_ascii=False, indent=2, default=str)
    personal.record_export(person=person, by=request.user, now=request.now)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="person-{contact.pk}.json"'
    response["Cache-Control"] = "no-store"
    return response


def _person(contact: Contact) -> personal.Person:
    return personal.Person(contact.address, contact.pk, contact.email)


def _show(
    request: HttpRequest, contact: Contact, form: EraseForm, *, error: str = "", status: int = 200
) -> HttpResponse:
    person = _person(contact)
    context = {
        "contact": contact,
        "form": form,
        "error": error,
        "is_erased": contact.is_erased,
        "held": [(holder, len(holder.held(person))) for holder in personal.holders()],
        "busy": [reason for reason in (holder.busy(person) for holder in personal.holders()) if reason],
    }
    response = render(request, "stakeholders/personal_data.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response
