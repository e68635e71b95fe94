"""The import pages: bring a file in, look what each row will do, let it happen, take it back."""

from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from crisiscomms.exports import csv_lines
from crisiscomms.live import live
from crisiscomms.refusal import Refused
from stakeholders import access, actions, import_queries
from stakeholders.import_forms import ChooseColumns, UploadFile
from stakeholders.imports import kinds, reading, undoing
from stakeholders.models import ImportRow, ImportRun
from stakeholders.requests import now_of, number, posted_number

Outcome = ImportRow.Outcome


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
    file, kind = form.cleaned_data["file"], form.cleaned_data["kind"]
    try:
        run = actions.start_import(file=file, name=file.name, kind=kind, by=user, now=now_of(request))
    except Refused as refusal:
        form.add_error("file", str(refusal))
        return _show_upload(request, form, status=422)
    return redirect("stakeholders:import", run.pk)


@require_GET
def import_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    run = access.get_import(request.user, run_id)
    return _show_import(request, run)


@require_GET
def import_live(request: HttpRequest, run_id: int) -> HttpResponse:
    """How far the work is. While it works only the figures move; then the whole page says something else."""
    run = access.get_import(request.user, run_id)
    if not run.is_working:
        return HttpResponseClientRefresh()
    return live(request, "stakeholders/import_detail.html#progress", _progress(run))


@require_GET
def import_rows(request: HttpRequest, run_id: int) -> HttpResponse:
    """All rows of one fate, page by page."""
    run = access.get_import(request.user, run_id)
    shown = request.GET.get("show", "")
    shown = shown if shown in Outcome.values else Outcome.REJECT if run.rejected else Outcome.CREATE
    context = {
        "run": run,
        "kind": kinds.of(run),
        "fates": import_queries.fates(run, samples=0),
        "shown": shown,
        "has_reasons": shown in (Outcome.REJECT, Outcome.DUPLICATE),
        "page": import_queries.staged(run, shown, after=number(request, "after") or 0),
    }
    return render(request, "stakeholders/import_rows.html", context)


@require_GET
def import_rejected(request: HttpRequest, run_id: int) -> StreamingHttpResponse:
    """The rows that were not taken, with the reasons, as CSV."""
    run = access.get_import(request.user, run_id)
    return _csv(request, run, f"not-taken-{run.pk}.csv", import_queries.rejected(run))


@require_GET
def import_kept(request: HttpRequest, run_id: int) -> StreamingHttpResponse:
    """What an undo left, and why, as CSV."""
    run = access.get_import(request.user, run_id)
    return _csv(request, run, f"left-{run.pk}.csv", import_queries.kept_lines(run))


@require_POST
def import_columns(request: HttpRequest, run_id: int) -> HttpResponse:
    user = access.check_may_import(request.user)
    run = access.get_import(user, run_id)
    form = ChooseColumns(run, request.POST)
    if not form.is_valid():
        return _show_import(request, run, form=form, status=422)
    try:
        actions.choose_mapping(run_id=run.pk, mapping=form.chosen, by=user, now=now_of(request))
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _show_import(request, run, form=form, status=422)
    return redirect("stakeholders:import", run.pk)


@require_POST
def import_apply(request: HttpRequest, run_id: int) -> HttpResponse:
    return _act(request, run_id, actions.apply_import, expected=posted_number(request, "expected"))


@require_POST
def import_cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    return _act(request, run_id, actions.cancel_import)


@require_POST
def import_undo(request: HttpRequest, run_id: int) -> HttpResponse:
    return _act(request, run_id, actions.undo_import)


def _act(request: HttpRequest, run_id: int, action: Callable[..., ImportRun], **given: Any) -> HttpResponse:
    user = access.check_may_import(request.user)
    run = access.get_import(user, run_id)
    try:
        action(run_id=run.pk, by=user, now=now_of(request), **given)
    except Refused as refusal:
        return _show_import(request, access.get_import(user, run_id), error=str(refusal), status=409)
    return redirect("stakeholders:import", run.pk)


def _csv(request: HttpRequest, run: ImportRun, name: str, rows: Iterable[Iterable[object]]) -> StreamingHttpResponse:
    user = access.check_may_import(request.user)
    actions.record_export(what=f"{name} of the import of “{run.name}”", by=user, now=now_of(request))
    response = StreamingHttpResponse(csv_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _show_upload(request: HttpRequest, form: UploadFile, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "page": import_queries.imports(after=number(request, "after")),
        "undo_days": undoing.days(),
    }
    return render(request, "stakeholders/import_upload.html", context, status=status)


def _progress(run: ImportRun) -> dict[str, Any]:
    return {"run": run, "progress": import_queries.progress(run)}


def _show_import(
    request: HttpRequest,
    run: ImportRun,
    *,
    form: ChooseColumns | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    kind = kinds.of(run)
    context = {
        **_progress(run),
        "kind": kind,
        "error": error,
        "is_mapped": kind.is_mapped(run.mapping),
        "columns": form or ChooseColumns(run),
        "read_as": reading.describe(run.encoding, run.delimiter),
        "fates": import_queries.fates(run),
        "undo": import_queries.undo(run, now=now_of(request)),
        "undo_days": undoing.days(),
        "kept": import_queries.kept(run) if run.kept else [],
        "not_set_up": import_queries.products_not_set_up() if run.state == ImportRun.State.DONE else [],
    }
    return render(request, "stakeholders/import_detail.html", context, status=status)
