"""Migrations are safe while the release before still runs (fault O1)."""

from django.db import connection, models
from django.db.migrations import AddField, CreateModel
from django.db.migrations.loader import MigrationLoader

# The last migration of each of our houses from before the rule.
BEFORE = {
    "crisiscomms": 9, "incidents": 18, "stakeholders": 7, "messaging": 2, "delivery": 4, "recovery": 2, "portal": 0,
    "statuspage": 0, "desk": 0, "readiness": 0,
}  # fmt: skip


def columns_added_to_tables_that_were_there():
    for (app, name), migration in MigrationLoader(connection).disk_migrations.items():
        if app in BEFORE and int(name[:4]) > BEFORE[app]:
            new = {one.name_lower for one in migration.operations if isinstance(one, CreateModel)}
            for one in migration.operations:
                if isinstance(one, AddField) and one.model_name_lower not in new:
                    yield f"{app} {name}: {one.model_name}.{one.name}", one.field


def test_a_new_column_fills_itself_where_the_release_before_does_not_know_it(db):
    """A default of Django's alone is dropped from the table again, and an INSERT of the old code fails."""
    found = list(columns_added_to_tables_that_were_there())

    needs = [(where, field) for where, field in found if not field.null and not field.many_to_many]
    assert [where for where, field in needs if field.db_default is models.NOT_PROVIDED] == []
    assert len(needs) >= 4
