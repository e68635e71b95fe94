from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.base import ContentFile
from django.db import connection

from stakeholders import actions
from stakeholders.imports import chunks, running, undoing
from stakeholders.models import Account, Contact, ImportRow, ImportRun

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ROWS = 400


def test_four_workers_on_one_run_import_everybody_once_and_undo_it_once(now, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 50)
    monkeypatch.setattr(undoing, "CHUNK", 50)
    text = "Email,Account Name\n" + "".join(f"p{n}@x.example,Acme {n % 7}\n" for n in range(ROWS))
    file = ContentFile(text.encode(), "contacts.csv")
    run = actions.start_import(file=file, name="contacts.csv", by=None, now=now, in_background=False)

    _together(run)
    actions.apply_import(run_id=run.pk, by=None, now=now, in_background=False)
    _together(run)

    run.refresh_from_db()
    assert (run.state, run.rows, run.created, run.applied) == ("done", ROWS, ROWS, ROWS)
    assert (Contact.objects.count(), ImportRow.objects.filter(run=run).count()) == (ROWS, ROWS)

    actions.undo_import(run_id=run.pk, by=None, now=now, in_background=False)
    _together(run)

    run.refresh_from_db()
    assert (run.state, run.kept, Contact.objects.count(), Account.objects.count()) == ("undone", 0, 0, 0)
    assert run.undone == ROWS * 2 + 7


def _together(run: ImportRun) -> None:
    with ThreadPoolExecutor(4) as workers:
        for done in [workers.submit(_work, run.pk) for _ in range(4)]:
            done.result()
    # Those who lost the race leave; in life the sweep rings for a run that nobody finished.
    _work(run.pk)


def _work(run_id: int) -> None:
    try:
        while running.work(run_id=run_id):
            pass
    finally:
        connection.close()
