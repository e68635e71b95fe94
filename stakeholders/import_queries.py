"""Reads for the import pages. Lists page by key."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from incidents.models import Product
from stakeholders.imports import kinds, undoing
from stakeholders.models import Account, Contact, ImportChange, ImportRow, ImportRun, Membership
from stakeholders.queries import PAGE, Page

SAMPLES = 3
KEPT = 50
_CSV_PIECE = 2_000
Thing = ImportChange.Thing


def imports(*, after: int | None = None) -> Page[ImportRun]:
    """Past imports, the latest first. `after` is the last one of the page before."""
    found = ImportRun.objects.select_related("uploaded_by").order_by("-pk")
    if after:
        found = found.filter(pk__lt=after)
    rows = list(found[: PAGE + 1])
    return Page(rows[:PAGE], rows[PAGE - 1].pk if len(rows) > PAGE else None)


def products_not_set_up(limit: int = 10) -> list[tuple[str, int]]:
    """Products that accounts name and set-up does not know, with the number of their accounts, the most used first.

    Recipients are chosen by these names: until they agree, a message about the product does not reach the account.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT used.name, count(*) FROM {Account._meta.db_table} a CROSS JOIN LATERAL unnest(a.products) AS used(name)
                WHERE NOT EXISTS (SELECT 1 FROM {Product._meta.db_table} p WHERE p.name = used.name)
                GROUP BY used.name ORDER BY count(*) DESC, used.name LIMIT %s""",
            [limit],
        )
        return [(name, count) for name, count in cursor.fetchall()]


@dataclass(frozen=True)
class Shown:
    """A staged row as a list shows it."""

    number: int
    # (heading, what stands there)
    cells: list[tuple[str, str]]
    reason: str


def staged(run: ImportRun, outcome: str, *, after: int) -> Page[Shown]:
    rows = _shown(run, outcome, after=after, limit=PAGE + 1)
    return Page(rows[:PAGE], rows[PAGE - 1].number if len(rows) > PAGE else None)


def _shown(run: ImportRun, outcome: str, *, after: int, limit: int) -> list[Shown]:
    kind = kinds.of(run)
    rows = ImportRow.objects.filter(run=run, outcome=outcome, number__gt=after).order_by("number")[:limit]
    return [Shown(row.number, list(zip(kind.headings, kind.cells(row.data), strict=True)), row.reason) for row in rows]


@dataclass(frozen=True)
class Fate:
    """One kind of outcome: how many rows have it, and the first of them."""

    outcome: str
    label: str
    count: int
    samples: list[Shown]

    @property
    def has_reasons(self) -> bool:
        return self.outcome in ("reject", "duplicate")


def fates(run: ImportRun, *, samples: int = SAMPLES) -> list[Fate]:
    """What becomes of the rows, what needs a look first."""
    is_done = run.state == ImportRun.State.DONE
    counts = [
        ("create", "Created" if is_done else "To create", run.created),
        ("update", "Changed" if is_done else "To change", run.updated),
        ("same", "No change", run.unchanged),
        ("duplicate", "Duplicates in the file", run.duplicates),
        ("reject", "Not taken", run.rejected),
    ]
    return [
        Fate(outcome, label, count, _shown(run, outcome, after=0, limit=samples) if count and samples else [])
        for outcome, label, count in counts
    ]


def rejected(run: ImportRun) -> Iterator[tuple[object, ...]]:
    """Every row that was not taken, with the reason, for a file."""
    yield ("Row", *kinds.of(run).headings, "Why it was not taken")
    after = 0
    while page := _shown(run, "reject", after=after, limit=_CSV_PIECE):
        yield from ((row.number, *(text for _, text in row.cells), row.reason) for row in page)
        after = page[-1].number


@dataclass(frozen=True)
class Kept:
    """Something that an undo left as it is, and why."""

    number: int
    what: str
    name: str
    reason: str


def kept(run: ImportRun, *, limit: int | None = KEPT) -> list[Kept]:
    found = ImportChange.objects.filter(run=run).exclude(kept_because="").order_by("number", "pk")[:limit]
    changes = list(found)
    names = _names(changes)
    return [
        Kept(each.number, each.get_thing_display(), names.get((each.thing, each.thing_id), ""), each.kept_because)
        for each in changes
    ]


def kept_lines(run: ImportRun) -> Iterator[tuple[object, ...]]:
    yield ("Row", "What", "Name", "Why it was left")
    yield from ((each.number, each.what, each.name, each.reason) for each in kept(run, limit=None))


def _names(changes: list[ImportChange]) -> dict[tuple[str, int], str]:
    ids = {thing: [each.thing_id for each in changes if each.thing == thing] for thing in Thing.values}
    people = Contact.objects.filter(pk__in=ids["contact"]).values_list("pk", "email")
    accounts = Account.objects.filter(pk__in=ids["account"]).values_list("pk", "name")
    places = Membership.objects.filter(pk__in=ids["membership"])
    found: dict[tuple[str, int], str] = {("contact", pk): email for pk, email in people}
    found |= {("account", pk): name for pk, name in accounts}
    for pk, email, name in places.values_list("pk", "contact__email", "account__name"):
        found["membership", pk] = f"{email}, {name}"
    return found


@dataclass(frozen=True)
class Progress:
    """How far a run's present work is. `goal` is None when nobody knows."""

    done: int
    goal: int | None
    rate: int
    unit: str

    @property
    def is_about(self) -> bool:
        return self.unit == "read"


def progress(run: ImportRun) -> Progress | None:
    """Where the work is, as of its last step; nothing when nothing is being done."""
    if run.state == ImportRun.State.READING:
        done, goal, unit = run.rows, max(run.about_rows, run.rows) if run.about_rows else None, "read"
    elif run.state == ImportRun.State.IMPORTING:
        done, goal, unit = run.applied, run.to_apply, "imported"
    elif run.state == ImportRun.State.UNDOING:
        done = run.undone + run.kept
        goal, unit = done + ImportChange.objects.filter(run=run, kept_because="").count(), "taken back"
    else:
        return None
    seconds = (run.worked_at - (run.phase_at or run.uploaded_at)).total_seconds()
    return Progress(done, goal, round(done / seconds) if seconds > 0 else 0, unit)


@dataclass(frozen=True)
class Undo:
    """Whether the run can be undone, and until when."""

    until: datetime | None
    is_possible: bool


def undo(run: ImportRun, *, now: datetime) -> Undo:
    until = undoing.until(run)
    return Undo(until, until is not None and now <= until)


@dataclass(frozen=True)
class Column:
    """A column of the file: its name, what is in it, what it was taken for."""

    name: str
    samples: list[str]
    means: str


def columns(run: ImportRun) -> list[Column]:
    means = {name: key for key, name in run.mapping.items()}
    samples: list[list[str]] = run.samples
    return [
        Column(name, [row[place][:80] for row in samples if row[place].strip()], means.get(name, ""))
        for place, name in enumerate(run.headers)
    ]


def choices(run: ImportRun) -> list[tuple[str, str]]:
    """What a column of this run can mean."""
    return [("", "Leave out"), *((field.key, field.label) for field in kinds.of(run).columns)]
