"""Tables: described once; filtered, sorted, paged, narrowed to columns and taken along as CSV by their address alone.

The address says everything (`?phase=open&sort=-declared&col=lead&after=…`), so a table works without a script, can be
bookmarked and sent to a colleague. A page goes on behind the last row that was seen, not at a number: what is
declared meanwhile moves nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.core import signing
from django.db.models import QuerySet
from django.http import QueryDict

from crisiscomms import wording
from crisiscomms.keyset import beyond

Row = Any
# Counting goes no further: beyond that a person only needs to know that it is many.
COUNTED = 10_000
STALE = "This page of the list is no longer there: its address is cut off or too old. Start again at the first page."
UNSORTED = "This list cannot be sorted like that. Choose one of the orders it offers."
UNFILTERED = "This list cannot be filtered like that. Choose from what it offers, and mend what is marked."
NOTHING = "No row fits the filter. Fewer words, or “All” in one of the lists, finds more."


def counted(number: int) -> str:
    """A number that was counted no further than COUNTED: "4 212" or "more than 10 000"."""
    if number <= COUNTED:
        return wording.thin(number)
    # In a narrow place the words may part, the number may not.
    return f"more than {wording.thin(COUNTED)}"


@dataclass(frozen=True)
class Column:
    """One column. `value` is what a spreadsheet gets; a `template` draws the cell, with `row`, when that is not enough.

    `sort` names fields or annotations that are never NULL, parted by blanks; `ways` says its two directions in words,
    rising first. `is_shown` is what a reader begins with; a column can also be on the page only, or in the file only.
    """

    key: str
    label: str
    value: Callable[[Row], object]
    template: str = ""
    sort: str = ""
    ways: tuple[str, str] = ("A to Z", "Z to A")
    is_fixed: bool = False
    is_shown: bool = True
    is_number: bool = False
    in_page: bool = True
    in_file: bool = True


@dataclass(frozen=True)
class Table:
    """`nouns` are one row and many of them; `nothing` says what to do when a filter finds none."""

    key: str
    columns: tuple[Column, ...]
    order: str
    nouns: tuple[str, str]
    page_size: int = 50
    nothing: str = NOTHING

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
        offered = [column for column in self.columns if column.in_page]
        wanted = {column.key for column in offered} & set(keys) or {one.key for one in offered if one.is_shown}
        return [column for column in offered if column.is_fixed or column.key in wanted]

    def file_columns(self) -> list[Column]:
        return [column for column in self.columns if column.in_file]

    def choices(self) -> list[Column]:
        """The columns that a reader may show or hide."""
        return [column for column in self.columns if column.in_page and not column.is_fixed]

    def counted(self, number: int) -> str:
        """The number with its noun: "1 incident", "4 212 incidents", "more than 10 000 incidents"."""
        one, many = self.nouns
        return f"{counted(number)} {one if number == 1 else many}"


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
    def is_changed(self) -> bool:
        """Whether anything but the place in the list differs from how a reader begins."""
        return bool(self.query.urlencode())

    @property
    def counted(self) -> str:
        return self.table.counted(self.total)

    @property
    def order_said(self) -> str:
        return self.orders[self.order]

    def said(self) -> Iterator[tuple[str, str]]:
        """The filter in words, for paper: what is asked for, and the answer."""
        for name, field_ in self.form.fields.items():
            value = self.query.get(name, "")
            if value:
                choices = {str(key): str(label) for key, label in getattr(field_, "choices", [])}
                yield str(field_.label), choices.get(value, value)

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
    # Only keys: what the columns add would be computed for every row that is counted.
    view.total = found.order_by().values("pk")[: COUNTED + 1].count()
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
    columns = view.table.file_columns()
    yield [column.label for column in columns]
    for row in _in_order(found, view).iterator(chunk_size=500):
        yield [_plain(column.value(row)) for column in columns]


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
        query=kept(table, asked, form.fields),
    )
    if not form.is_valid():
        view.problem = UNFILTERED
        return view, rows.none()
    if not is_known:
        view.problem = UNSORTED
        return view, rows.none()
    return view, narrow(rows, form.cleaned_data)


def kept(table: Table, asked: QueryDict, filters: Iterable[str]) -> QueryDict:
    """What neighbouring looks take over: the filter, the order, the columns; nothing else that stood in the address."""
    found = QueryDict(mutable=True)
    for name in filters:
        if asked.get(name):
            found[name] = str(asked[name])
    if asked.get("sort") in table.orders():
        found["sort"] = str(asked["sort"])
    chosen = asked.getlist("col")
    found.setlist("col", [column.key for column in table.columns if column.in_page and column.key in chosen])
    return found


def _order(view: View) -> list[str]:
    """What the database sorts by; the key last, so that no two rows are equal."""
    column, falls = view.table.sorted_by(view.order)
    return [f"-{name}" if falls else name for name in (*column.sort.split(), "pk")]


def _in_order(rows: QuerySet[Any], view: View) -> QuerySet[Any]:
    return rows.order_by(*_order(view))


def _behind(rows: QuerySet[Any], view: View, mark: str) -> QuerySet[Any]:
    order, *values = signing.loads(mark, salt=_salt(view))
    wanted = _order(view)
    if order != view.order or len(values) != len(wanted):
        raise signing.BadSignature
    return rows.filter(beyond(wanted, values))


def _mark(view: View, row: Row) -> str:
    """Where a page ended. Signed: nobody can ask with it for what the table does not offer."""
    values = [getattr(row, name.removeprefix("-")) for name in _order(view)]
    plain = [one.isoformat() if isinstance(one, datetime) else one for one in values]
    return signing.dumps([view.order, *plain], salt=_salt(view))


def _salt(view: View) -> str:
    return f"crisiscomms.tables.{view.table.key}"


def _plain(value: object) -> object:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
