"""What the product ships, put into a test's database as rows: loading it takes 0.15 s, and thousands of tests ask for it.

The rows are those that `defaults.load` itself wrote, once per worker, in a transaction that was taken back.
"""

from io import StringIO

from django.apps import apps
from django.db import connection, transaction

from desk import defaults

_rows: dict[str, str] = {}


def put(now) -> None:
    """The shipped policies, templates and rules, as loaded at `now`: the same rows each time."""
    if not _rows:
        _rows.update(_taken(now))
    with transaction.atomic(), connection.cursor() as cursor:
        # The rows are copies of rows that kept every rule, and their histories are among them.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, text in _rows.items():
            cursor.copy_expert(f'COPY "{table}" FROM STDIN', StringIO(text))
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute(_past_the_keys())


def _taken(now) -> dict[str, str]:
    """By table, in the format of COPY. Raises AssertionError where loading adds to what migrations put there."""
    with transaction.atomic(), connection.cursor() as cursor:
        before = _filled(cursor)
        defaults.load(now=now, with_playbooks=False)
        after = _filled(cursor)
        assert all(after[table] == count for table, count in before.items()), "put() would write these rows twice."
        found = {table: _copied(cursor, table) for table in after if table not in before}
        transaction.set_rollback(True)
    return found


def _filled(cursor) -> dict[str, int]:
    """The tables with rows in them, and how many."""
    counts = {}
    for table in sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)}):
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        (counts[table],) = cursor.fetchone()
    return {table: count for table, count in counts.items() if count}


def _copied(cursor, table: str) -> str:
    text = StringIO()
    cursor.copy_expert(f'COPY "{table}" TO STDOUT', text)
    return text.getvalue()


def _past_the_keys() -> str:
    """No key is given twice: each counter stands at or behind the last row of its table."""
    models = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    steps = []
    for table in _rows:
        key = models[table]._meta.pk
        if key.get_internal_type().endswith("AutoField"):
            counter = f"pg_get_serial_sequence('\"{table}\"', '{key.column}')"
            steps.append(f'setval({counter}, greatest(nextval({counter}), (SELECT max({key.column}) FROM "{table}")))')
    return f"SELECT {', '.join(steps)}"
