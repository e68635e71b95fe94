"""The contacts pages: find people, bring them in, look at an account."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from crisiscomms.refusal import Refused
from stakeholders import access, actions, exports, queries
from stakeholders.forms import ChooseColumns, FindAccounts, FindContacts, UploadFile
from stakeholders.imports import reading
from stakeholders.models import ImportRow, ImportRun

Outcome = ImportRow.Outcome


@require_GET
def contact_list(request: HttpRequest) -> HttpResponse:
    user = access.check_may_see(request.user)
    form = FindContacts(request.GET)
    wanted = form.wanted()
    page = queries.contact_page(wanted, after=_number(request, "after"))
    context = {
        "form": form,
        "page": page,
        "wanted": wanted,
        "is_filtered": wanted != queries.ContactFilter(),
        "totals": queries.totals(),
        "found": queries.count(wanted),
        "counted": queries.COUNTED,
        "query": _query(request),
        "may_import": access.may_import(user),
    }
    return render(request, "stakeholders/contact_list.html", context)


@require_GET
def contact_export(request: HttpRequest) -> StreamingHttpResponse:
    """The contacts of the list, all pages, as CSV."""
    user = access.check_may_see(request.user)
    wanted = FindContacts(request.GET).wanted()
    actions.record_export(what=f"{queries.matching(wanted).count()} contacts", by=user, now=_now(request))
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
    page = queries.account_page(text, tier=int(tier) if tier else None, after=_number(request, "after"))
    context = {
        "form": form,
        "page": page,
        "is_filtered": bool(tier or text),
        "query": _query(request),
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
    account_id = _posted_number(request, "account")
    try:
        actions.allow_contact_again(contact_id=contact.pk, by=user, now=_now(request))
    except Refused as refusal:
        if account_id:
            return _show_account(request, account_id=account_id, error=str(refusal))
        messages.warning(request, str(refusal))
    return redirect("stakeholders:account", account_id) if account_id else redirect("stakeholders:contacts")


@require_http_methods(["GET", "POST"])
def import_upload(request: HttpRequest) -> HttpResponse:
    user = access.check_may_import(request.user)
    if request.method == "GET":
        return _show_upload(request, UploadFile())
    form = UploadFile(request.POST, request.FILES)
    if getattr(request, "upload_too_large", False):
        form.errors.clear()
        form.add_error("file", reading.too_large())
        return _show_upload(request, form, status=413)
    if not form.is_valid():
        return _show_upload(request, form, status=422)
    file = form.cleaned_data["file"]
    try:
        run = actions.start_import(file=file, name=file.name, by=user, now=_now(request))
    except Refused as refusal:
        form.add_error("file", str(refusal))
        return _show_upload(request, form, status=422)
    return redirect("stakeholders:import", run.pk)


@require_GET
def import_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    run = access.get_import(request.user, run_id)
    if request.htmx:  # type: ignore[attr-defined]
        # While it works only the figures move; when it is done the whole page says something else.
        if not run.is_working:
            return HttpResponseClientRefresh()
        return render(request, "stakeholders/import_detail.html#progress", {"run": run})
    return _show_import(request, run)


@require_POST
def import_columns(request: HttpRequest, run_id: int) -> HttpResponse:
    user = access.check_may_import(request.user)
    run = access.get_import(user, run_id)
    form = ChooseColumns(run, request.POST)
    if not form.is_valid():
        return _show_import(request, run, form=form, status=422)
    try:
        actions.choose_mapping(run_id=run.pk, mapping=form.chosen, by=user, now=_now(request))
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _show_import(request, run, form=form, status=422)
    return redirect("stakeholders:import", run.pk)


@require_POST
def import_apply(request: HttpRequest, run_id: int) -> HttpResponse:
    user = access.check_may_import(request.user)
    run = access.get_import(user, run_id)
    try:
        actions.apply_import(run_id=run.pk, by=user, now=_now(request), expected=_posted_number(request, "expected"))
    except Refused as refusal:
        return _show_import(request, access.get_import(user, run_id), error=str(refusal), status=409)
    return redirect("stakeholders:import", run.pk)


@require_POST
def import_cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    user = access.check_may_import(request.user)
    run = access.get_import(user, run_id)
    try:
        actions.cancel_import(run_id=run.pk, by=user, now=_now(request))
    except Refused as refusal:
        return _show_import(request, access.get_import(user, run_id), error=str(refusal), status=409)
    return redirect("stakeholders:import", run.pk)


def _show_account(request: HttpRequest, *, account_id: int, error: str = "") -> HttpResponse:
    account = access.get_account(request.user, account_id)
    context = {
        "account": account,
        "people": queries.people_of(account)[: queries.PEOPLE],
        "people_limit": queries.PEOPLE,
        "people_count": account.memberships.count(),
        "may_import": access.may_import(request.user),
        "error": error,
    }
    return render(request, "stakeholders/account_detail.html", context, status=409 if error else 200)


def _show_upload(request: HttpRequest, form: UploadFile, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "runs": queries.imports()}
    return render(request, "stakeholders/import_upload.html", context, status=status)


def _show_import(
    request: HttpRequest,
    run: ImportRun,
    *,
    form: ChooseColumns | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    shown = request.GET.get("show", "")
    shown = shown if shown in Outcome.values else _first_tab(run)
    context: dict[str, Any] = {
        "run": run,
        "error": error,
        "columns": form or ChooseColumns(run),
        "read_as": reading.describe(run.encoding, run.delimiter),
        "tabs": queries.tabs(run),
        "shown": shown,
        "page": queries.import_rows(run, shown, after=_number(request, "after") or 0),
        "here": reverse("stakeholders:import", args=[run.pk]),
    }
    return render(request, "stakeholders/import_detail.html", context, status=status)


def _first_tab(run: ImportRun) -> str:
    """What needs a look comes first: rows that are not taken, then what will be new."""
    if run.rejected:
        return Outcome.REJECT
    return next((tab.outcome for tab in queries.tabs(run) if tab.count), Outcome.CREATE)


def _now(request: HttpRequest) -> Any:
    return request.now  # type: ignore[attr-defined]


def _number(request: HttpRequest, name: str) -> int | None:
    """A number in the address, or nothing when it is none that a key can have."""
    return _small(request.GET.get(name, ""))


def _posted_number(request: HttpRequest, name: str) -> int | None:
    return _small(request.POST.get(name, ""))


def _small(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _query(request: HttpRequest) -> str:
    """The filter as it stands in the address, for the links to the next page and to the export."""
    query = request.GET.copy()
    query.pop("after", None)
    return query.urlencode()
