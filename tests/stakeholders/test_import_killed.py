"""An import that is killed at any statement of any step goes on, and nothing is done twice."""

import pytest
from django.core.files.base import ContentFile
from django.db import connection

from stakeholders import actions
from stakeholders.imports import chunks, running, undoing
from stakeholders.models import Account, Contact, ImportRow, ImportRun, Membership

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ROWS = 30
FILES = {
    "contacts": "Email,First Name,Account Name\n"
    + "".join(f"p{n}@x.example,P{n},Acme {n % 7}\n" for n in range(ROWS))
    + "P1@x.example,Twice,Acme 1\nnobody,,\n",
    "accounts": "Name,ID,Tier\n" + "".join(f"Acme {n},{n},1\n" for n in range(ROWS)) + "Acme 1,1,2\n,,1\n",
}


class Killed(Exception):
    """As if the worker had gone: what was not committed is lost."""


def work_and_kill(run):
    """Kill the worker after one statement, then after two, … until the step is done. Returns how often."""
    kills = 0
    while True:
        left = kills + 1

        def count(execute, *what):
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return execute(*what)

        try:
            with connection.execute_wrapper(count):
                if not running.work(run_id=run.pk, seconds=0):
                    return kills
        except Killed:
            kills += 1


@pytest.mark.parametrize("kind", FILES)
def test_killed_at_every_statement_it_ends_as_if_nothing_had_happened(kind, now, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 10)
    monkeypatch.setattr(undoing, "CHUNK", 10)
    monkeypatch.setattr(running, "MAX_TRIES", 10_000)
    file = ContentFile(FILES[kind].encode(), "f.csv")
    run = actions.start_import(file=file, name="f.csv", kind=kind, by=None, now=now, in_background=False)

    kills = [work_and_kill(run)]
    staged = ImportRow.objects.filter(run=run).count()
    actions.apply_import(run_id=run.pk, by=None, now=now, in_background=False)
    kills.append(work_and_kill(run))
    run.refresh_from_db()
    made = [model.objects.count() for model in (Account, Contact, Membership)]
    actions.undo_import(run_id=run.pk, by=None, now=now, in_background=False)
    kills.append(work_and_kill(run))

    assert min(kills) > 10
    assert (staged, run.created, run.duplicates, run.rejected, run.applied) == (ROWS + 2, ROWS, 1, 1, ROWS + 1)
    assert made == ([7, ROWS, ROWS] if kind == "contacts" else [ROWS, 0, 0])
    assert [model.objects.count() for model in (Account, Contact, Membership)] == [0, 0, 0]
    assert ImportRun.objects.get().state == "undone"
