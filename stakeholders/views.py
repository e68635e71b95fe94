"""The contacts pages: find people, look at an account."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from crisiscomms.refusal import Refused
from stakeholders import access, actions, exports, queries
from stakeholders.forms import FindAccounts, FindContacts
from stakeholders.requests import now_of, number, posted_number, query_of


@require_GET
def contact_list(request: HttpRequest) -> HttpResponse:
    user = access.check_may_see(request.user)
    form = FindContacts(request.GET)
    wanted = form.wanted()
    page = queries.contact_page(wanted, after=number(request, "after"))
    totals, is_filtered = queries.totals(), wanted != queries.ContactFilter()
    context = {
        "form": form,
        "page": page,
        "wanted": wanted,
        "is_filtered": is_filtered,
        "totals": totals,
        "found": queries.count(wanted) if is_filtered else totals["contacts"],
        "counted": queries.COUNTED,
        "query": query_of(request),
        "may_import": access.may_import(user),
        "may_erase": access.may_erase(user),
    }
    return render(request, "stakeholders/contact_list.html", context)


@require_GET
def contact_export(request: HttpRequest) -> StreamingHttpResponse:
    """The contacts of the list, all pages, as CSV."""
    user = access.check_may_see(request.user)
    wanted = FindContacts(request.GET).wanted()
    actions.record_export(what=f"{queries.matching(wanted).count()} contacts", by=user, now=now_of(request))
    lines = exports.contact_lines(queries.contacts(wanted).iterator(chunk_size=1_000))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="contacts.csv"'
    return response


@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    user = access.check_may_see(request.user)
    form = FindAccounts(request.GET)
    form.is_valid()
    tier, text = form.cleaned_data.get("tier") or "", form.cleaned_data.get("q") or ""
    page = queries.account_page(text, tier=int(tier) if tier else None, after=number(request, "after"))
    context = {
        "form": form,
        "page": page,
        "is_filtered": bool(tier or text),
        "query": query_of(request),
        "may_import": access.may_import(user),
    }
    return render(request, "stakeholders/account_list.html", context)


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
