"""The contacts pages: find people, look at an account."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from crisiscomms import tables
from crisiscomms.refusal import Refused
from crisiscomms.table_views import export, remembers
from stakeholders import access, account_table, actions, contact_table, queries
from stakeholders.account_table import ACCOUNTS, FindAccounts
from stakeholders.contact_table import CONTACTS, FindContacts
from stakeholders.requests import now_of, posted_number


@require_GET
@remembers(CONTACTS, FindContacts)
def contact_list(request: HttpRequest) -> HttpResponse:
    user = access.check_may_see(request.user)
    view = tables.look(CONTACTS, queries.contacts(), request.GET, FindContacts(request.GET), contact_table.narrow)
    context = {
        "view": view,
        "figures": queries.figures(),
        "may_import": access.may_import(user),
        "may_erase": access.may_erase(user),
    }
    return render(request, "stakeholders/contact_list.html", context, status=view.status)


@require_GET
def contact_export(request: HttpRequest) -> HttpResponseBase:
    """The contacts of the list, all pages and columns, as CSV."""
    access.check_may_see(request.user)
    return export(request, CONTACTS, queries.contacts(), FindContacts(request.GET), contact_table.narrow)


@require_GET
@remembers(ACCOUNTS, FindAccounts)
def account_list(request: HttpRequest) -> HttpResponse:
    user = access.check_may_see(request.user)
    view = tables.look(ACCOUNTS, queries.accounts(), request.GET, FindAccounts(request.GET), account_table.narrow)
    context = {"view": view, "may_import": access.may_import(user)}
    return render(request, "stakeholders/account_list.html", context, status=view.status)


@require_GET
def account_export(request: HttpRequest) -> HttpResponseBase:
    """The accounts of the list, all pages and columns, as CSV."""
    access.check_may_see(request.user)
    return export(request, ACCOUNTS, queries.accounts(), FindAccounts(request.GET), account_table.narrow)


@require_GET
def account_detail(request: HttpRequest, account_id: int) -> HttpResponse:
    account = access.get_account(request.user, account_id)
    return _show_account(request, account_id=account.pk)


@require_POST
def contact_allow(request: HttpRequest, contact_id: int) -> HttpResponse:
    user = access.check_may_import(request.user)
    contact = access.get_contact(user, contact_id)
    account_id = posted_number(request, "account")
    try:
        actions.allow_contact_again(contact_id=contact.pk, by=user, now=now_of(request))
    except Refused as refusal:
        if account_id:
            return _show_account(request, account_id=account_id, error=str(refusal))
        messages.warning(request, str(refusal))
    return redirect("stakeholders:account", account_id) if account_id else redirect("stakeholders:contacts")


def _show_account(request: HttpRequest, *, account_id: int, error: str = "") -> HttpResponse:
    account = access.get_account(request.user, account_id)
    context = {
        "account": account,
        "people": queries.people_of(account)[: queries.PEOPLE],
        "people_limit": queries.PEOPLE,
        "people_count": account.memberships.count(),
        "may_import": access.may_import(request.user),
        "may_erase": access.may_erase(request.user),
        "error": error,
    }
    return render(request, "stakeholders/account_detail.html", context, status=409 if error else 200)
