"""What the views of tables have in common: a list opens as it was left, and leaves as a file."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render

from crisiscomms import tables
from crisiscomms.exports import csv_answer, record_export
from crisiscomms.tables import Narrow, Table

AGAIN = "again"
Answers = Callable[..., HttpResponseBase]


def remembers(table: Table, form: type[forms.Form]) -> Callable[[Answers], Answers]:
    """A bare address leads to how this browser last saw the list; one with parameters wins; `?again` forgets.

    It leads there instead of showing it, so that the address goes on to say everything. Words that were typed are
    not kept: they can be somebody's name, and erasing a person does not reach into sessions.
    """
    place = f"table:{table.key}"
    chosen = [name for name, field in form.base_fields.items() if not isinstance(field, forms.CharField)]

    def remembering(view: Answers) -> Answers:
        @wraps(view)
        def seen(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST":
                return view(request, *args, **kwargs)
            if AGAIN in request.GET:
                request.session.pop(place, None)
                return HttpResponseRedirect(request.path)
            before = request.session.get(place, "")
            if before and not request.GET:
                return HttpResponseRedirect(f"{request.path}?{before}")
            answer = view(request, *args, **kwargs)
            now = tables.kept(table, request.GET, chosen).urlencode()
            if answer.status_code == 200 and now and now != before:
                request.session[place] = now
            return answer

        return seen

    return remembering


def export(
    request: HttpRequest, table: Table, rows: QuerySet[Any], form: forms.Form, narrow: Narrow
) -> HttpResponseBase:
    """The rows of the list, all pages and columns, as CSV; that they were taken stands on the record."""
    view, lines = tables.rows_for_export(table, rows, request.GET, form, narrow)
    if view.problem:
        return render(request, "400.html", {"reason": view.problem}, status=400)
    one, many = table.nouns
    what = f"{view.total} {one if view.total == 1 else many}"
    record_export(what=what, of=table.key, by=request.user, now=request.now)
    return csv_answer(lines, name=table.key)
