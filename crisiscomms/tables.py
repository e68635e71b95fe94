"""Tables: described once; filtered, sorted, paged, narrowed to columns and taken along as CSV by their address alone.

The address says everything (`?phase=open&sort=-declared&col=lead&after=…`), so a table works without a script, can be
bookmarked and sent to a colleague. A page goes on behind the last row that was seen, not at a number: what is
declared meanwhile moves nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.core import signing
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

Row = Any
STALE = "This page of the list is no longer there: its address is cut off or too old. Start again at the first page."
UNSORTED = "This list cannot be sorted like that. Choose one of the orders it offers."
UNFILTERED = "This list has no such filter. Choose one of the values it offers."


@dataclass(frozen=True)
class Column:
    """One column. `value` is what a spreadsheet gets; a `template` draws the cell, with `row`, when that is not enough.

    `sort` names a field or annotation that is never NULL; `ways` says its two directions in words, rising first.
    """

    key: str
    label: str
    value: Callable[[Row], object]
    template: str = ""
    sort: str = ""
    ways: tuple[str, str] = ("A to Z", "Z to A")
    is_fixed: bool = False
    is_shown: bool = True


@dataclass(frozen=True)
class Table:
    key: str
    columns: tuple[Column, ...]
    order: str
    page_size: int = 50

    def orders(self) -> dict[str, str]:
        """Every order it can be in, with the words for it."""
        found = {}
        for column in self.columns:
            if column.sort:
                found[column.key] = f"{column.label}, {column.ways[0]}"
                found[f"-{column.key}"] = f"{column.label}, {column.ways[1]}"
        return found

    def sorted_by(self, order: str) -> tuple[Column, bool]:
        """The column, and whether it falls."""
        key = order.removeprefix("-")
        return next(column for column in self.columns if column.key == key), order.startswith("-")

    def chosen(self, keys: list[str]) -> list[Column]:
        """The columns to show: those named, or those a reader begins with; the fixed ones always."""
        known = {column.key for column in self.columns}
        wanted = known & set(keys) or {column.key for column in self.columns if column.is_shown}
        return [column for column in self.columns if column.is_fixed or column.key in wanted]


@dataclass(frozen=True)
class Heading:
    column: Column
    url: str = ""
    aria_sort: str = ""


@dataclass
class View:
    """One look at a table: what its template draws."""

    table: Table
    form: forms.Form
    columns: list[Column]
    order: str
    query: QueryDict
    rows: list[Row] = field(default_factory=list)
    total: int = 0
    next_after: str = ""
    is_later: bool = False
    problem: str = ""

    @property
    def status(self) -> int:
        return 400 if self.problem else 200

    @property
    def is_filtered(self) -> bool:
        return any(self.query.get(name) for name in self.form.fields)

    @property
    def has_choice(self) -> bool:
        return any(not column.is_fixed for column in self.table.columns)

    def headings(self) -> Iterator[Heading]:
        here, falls = self.table.sorted_by(self.order)
        for column in self.columns:
            if not column.sort:
                yield Heading(column)
                continue
            is_here = column == here
            # Pressing the heading that leads already turns it around.
            turned = column.key if not is_here or falls else f"-{column.key}"
            state = ("descending" if falls else "ascending") if is_here else "none"
            yield Heading(column, url=self.address(sort=turned), aria_sort=state)

    def address(self, **changes: str) -> str:
        """The query of a neighbouring look: the same, but for what changes."""
        query = self.query.copy()
        for name, value in changes.items():
            query[name] = value
        return f"?{query.urlencode()}"

    @property
    def first(self) -> str:
        return self.address()

    @property
    def next(self) -> str:
        return self.address(after=self.next_after)

    @property
    def orders(self) -> dict[str, str]:
        return self.table.orders()


Narrow = Callable[[QuerySet[Any], dict[str, Any]], QuerySet[Any]]


def look(table: Table, rows: QuerySet[Any], asked: QueryDict, form: forms.Form, narrow: Narrow) -> View:
    """One page of the table as the address asks for it. What it asks for wrongly is said in `problem`."""
    view, found = _begin(table, rows, asked, form, narrow)
    if view.problem:
        return view
    view.total = found.count()
    after = asked.get("after", "")
    if after:
        try:
            found = _behind(found, view, after)
        except signing.BadSignature:
            view.problem = STALE
            return view
    view.is_later = bool(after)
    view.rows = list(_in_order(found, view)[: table.page_size + 1])
    if len(view.rows) > table.page_size:
        view.rows.pop()
        view.next_after = _mark(view, view.rows[-1])
    return view


def rows_for_export(
    table: Table, rows: QuerySet[Any], asked: QueryDict, form: forms.Form, narrow: Narrow
) -> tuple[View, Iterator[list[object]]]:
    """Everything that is filtered, in the order on the screen, with all columns: a file says who and what in full."""
    view, found = _begin(table, rows, asked, form, narrow)
    view.total = 0 if view.problem else found.count()
    return view, _lines(view, found)


def _lines(view: View, found: QuerySet[Any]) -> Iterator[list[object]]:
    yield [column.label for column in view.table.columns]
    for row in _in_order(found, view).iterator(chunk_size=500):
        yield [_plain(column.value(row)) for column in view.table.columns]


def _begin(
    table: Table, rows: QuerySet[Any], asked: QueryDict, form: forms.Form, narrow: Narrow
) -> tuple[View, QuerySet[Any]]:
    order = asked.get("sort") or table.order
    is_known = order in table.orders()
    view = View(
        table=table,
        form=form,
        columns=table.chosen(asked.getlist("col")),
        order=order if is_known else table.order,
        query=_kept(table, asked, form),
    )
    if not form.is_valid():
        view.problem = UNFILTERED
        return view, rows.none()
    if not is_known:
        view.problem = UNSORTED
        return view, rows.none()
    return view, narrow(rows, form.cleaned_data)


def _kept(table: Table, asked: QueryDict, form: forms.Form) -> QueryDict:
    """What neighbouring looks take over: the filter, the order, the columns; nothing else that stood in the address."""
    kept = QueryDict(mutable=True)
    for name in form.fields:
        if asked.get(name):
            kept[name] = str(asked[name])
    if asked.get("sort") in table.orders():
        kept["sort"] = str(asked["sort"])
    known = [column.key for column in table.columns if column.key in asked.getlist("col")]
    kept.setlist("col", known)
    return kept


def _in_order(rows: QuerySet[Any], view: View) -> QuerySet[Any]:
    column, falls = view.table.sorted_by(view.order)
    sign = "-" if falls else ""
    return rows.order_by(f"{sign}{column.sort}", f"{sign}pk")


def _behind(rows: QuerySet[Any], view: View, mark: str) -> QuerySet[Any]:
    column, falls = view.table.sorted_by(view.order)
    order, kind, value, pk = signing.loads(mark, salt=_salt(view))
    if order != view.order:
        raise signing.BadSignature
    where = parse_datetime(value) if kind == "moment" else value
    word = "lt" if falls else "gt"
    return rows.filter(Q(**{f"{column.sort}__{word}": where}) | Q(**{column.sort: where, f"pk__{word}": pk}))


def _mark(view: View, row: Row) -> str:
    """Where a page ended. Signed: nobody can ask with it for what the table does not offer."""
    column, _ = view.table.sorted_by(view.order)
    value = getattr(row, column.sort)
    is_moment = isinstance(value, datetime)
    content = [view.order, "moment" if is_moment else "plain", value.isoformat() if is_moment else value, row.pk]
    return signing.dumps(content, salt=_salt(view))


def _salt(view: View) -> str:
    return f"crisiscomms.tables.{view.table.key}"


def _plain(value: object) -> object:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
