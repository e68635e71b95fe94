"""The long lists of set-up: the people, and the record of what was changed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from crisiscomms import audit, people_table, record_table, signing, tables
from crisiscomms import people as actions
from crisiscomms.forms import PersonForm
from crisiscomms.models import Role
from crisiscomms.people_table import PEOPLE, FindPeople
from crisiscomms.record_table import RECORD, FindEntries
from crisiscomms.refusal import Refused
from crisiscomms.setup_views import PAGE, administrators, second_person
from crisiscomms.table_views import export, remembers


@require_http_methods(PAGE)
@administrators
@remembers(PEOPLE, FindPeople)
def people(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST or None, now=request.now)
    if request.method == "POST" and form.is_valid():
        try:
            person = actions.add_person(by=request.user, now=request.now, **form.cleaned_data)
        except Refused as refusal:
            form.add_error("email", str(refusal))
        else:
            messages.success(request, f"{person.name} is added, and invited by mail.{second_person(person)}")
            return redirect("setup_people")
    view = tables.look(PEOPLE, people_table.listed(), request.GET, FindPeople(request.GET), people_table.narrow)
    context = {"form": form, "view": view, "roles": Role.choices}
    return render(request, "crisiscomms/person_list.html", context, status=422 if form.is_bound else view.status)


@require_safe
@administrators
def people_csv(request: HttpRequest) -> HttpResponseBase:
    """The people of the list, all pages and columns, as CSV."""
    return export(request, PEOPLE, people_table.listed(), FindPeople(request.GET), people_table.narrow)


@require_safe
@administrators
@remembers(RECORD, FindEntries)
def record(request: HttpRequest) -> HttpResponse:
    """Who changed what: the installation's own chain, newest first."""
    view = tables.look(RECORD, record_table.listed(), request.GET, FindEntries(request.GET), record_table.narrow)
    faults = list(audit.faults(audit.INSTALLATION))[:5] if "check" in request.GET else None
    return render(
        request,
        "crisiscomms/record.html",
        {"view": view, "faults": faults, "key": signing.public_key().hex(), "fingerprint": signing.fingerprint()},
        status=view.status,
    )


@require_safe
@administrators
def record_csv(request: HttpRequest) -> HttpResponseBase:
    """The entries of the list, all pages and columns, as CSV."""
    return export(request, RECORD, record_table.listed(), FindEntries(request.GET), record_table.narrow)
