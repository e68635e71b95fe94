"""The rows at hand as a temporary table, and the trace of what they change. Set-based: one statement per step.

Staging looks at a chunk and keeps what it would do; applying looks at it again in the same way and then does it. One
`decision` per kind serves both, so the preview is what will happen.
"""

from typing import Any

from django.db.models import Model

from stakeholders.models import ImportChange, ImportRow

CHUNK = 5_000
ROWS = ImportRow._meta.db_table
CHANGES = ImportChange._meta.db_table


def make_table(cursor: Any, name: str, select: str, parameters: dict[str, Any] | None = None) -> None:
    """A table of this transaction. The one that an earlier chunk of it left goes first.

    Only for what several statements ask: each one with a long text is three files to make and to delete.
    """
    cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
    cursor.execute(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {select}", parameters)


def lay_out(cursor: Any, layout: tuple[str, str], rows: str, parameters: dict[str, Any]) -> None:
    """`chunk`: the rows of the SELECT `rows` (number, key, data, outcome) with their data in columns.

    `is_first` says of which row a new thing is made.
    """
    columns, source = layout
    make_table(
        cursor,
        "chunk",
        f"""SELECT s.number, s.key, s.outcome AS staged,
                s.outcome <> 'duplicate' AS is_first, {columns}
            FROM ({rows}) s {source}""",
        parameters,
    )
    # Without figures the planner would take a chunk for a handful of rows. Those of the other columns decide nothing.
    cursor.execute("ANALYZE chunk (number, key, staged, is_first)")


def mark_of(model: type[Model], row: str) -> str:
    """A mark of a whole row. A column that is added later and empty does not change it: concat leaves NULL out.

    By way of JSON it would cost five times as much, for every row of an import.
    """
    parts = [f"'\x1f{field.column}=' || {row}.{field.column}::text" for field in model._meta.concrete_fields]
    return f"hashtextextended(concat({', '.join(parts)}), 0)"


def trace_new(thing: str, source: str) -> str:
    """The statement that notes things just made: `source` gives number, id and mark. Nothing noted them before."""
    return f"""
        INSERT INTO {CHANGES} (run_id, number, thing, thing_id, was, left_as, kept_because)
        SELECT %(run)s, number, '{thing}', id, NULL, mark, '' FROM ({source}) made
    """


def trace(thing: str, source: str) -> str:
    """The statement that notes changed things: `source` gives number, id, was and mark.

    What a thing was before its first change by the run stays; how the run left it is noted anew each time.
    """
    return f"""
        INSERT INTO {CHANGES} (run_id, number, thing, thing_id, was, left_as, kept_because)
        SELECT %(run)s, number, '{thing}', id, was, mark, '' FROM ({source}) made
        ON CONFLICT (run_id, thing, thing_id) DO UPDATE SET left_as = EXCLUDED.left_as
    """
