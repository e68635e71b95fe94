"""What people chose for columns is remembered per kind and file shape, and never used half or for other columns."""

from dataclasses import replace

import pytest

from crisiscomms.refusal import Refused
from stakeholders import actions
from stakeholders.imports import kinds, mapping, running
from stakeholders.models import ColumnMapping

TEXT = "Anschrift,Wer\nada@x.example,Ada\n"
CHOSEN = {"email": "Anschrift", "first_name": "Wer"}


@pytest.fixture
def remembered(read, ada, now):
    run = read(TEXT)
    actions.choose_mapping(run_id=run.pk, mapping=CHOSEN, by=ada, now=now)
    running.work(run_id=run.pk)
    return ColumnMapping.objects.get()


def test_it_is_used_for_the_next_file_of_that_kind_only(remembered, read):
    again, other = read(TEXT), read(TEXT, kind="accounts")

    assert (again.mapping, again.mapping_note, again.created) == (CHOSEN, "", 1)
    assert (other.mapping, other.mapping_note, other.rows) == ({}, "", 0)


@pytest.mark.parametrize(
    "older",
    [{"version": 0}, {"version": 2}, {"mapping": {**CHOSEN, "fax": "Wer"}}, {"mapping": {"email": "Gone"}}],
    ids=["older", "newer", "a field that is no more", "a column that is not there"],
)
def test_one_of_another_version_is_not_used_and_the_page_says_so(older, remembered, read, client, ada):
    ColumnMapping.objects.update(**older)

    run = read(TEXT)

    client.force_login(ada)
    assert (run.mapping, run.mapping_note, run.state) == ({}, mapping.OUTDATED, "ready")
    assert "That choice was not used" in client.get(f"/contacts/import/{run.pk}/").content.decode()


def test_choosing_again_makes_it_one_of_this_version(remembered, read, ada, now):
    ColumnMapping.objects.update(version=0)
    run = read(TEXT)

    run = actions.choose_mapping(run_id=run.pk, mapping=CHOSEN, by=ada, now=now)

    assert (ColumnMapping.objects.get().version, run.mapping_note) == (kinds.CONTACTS.version, "")


def test_a_file_read_under_older_columns_is_not_imported(read, ada, now, monkeypatch):
    run = read("Email\nada@x.example\n")
    newer = replace(kinds.CONTACTS, version=2)
    monkeypatch.setitem(kinds.KINDS, "contacts", newer)

    with pytest.raises(Refused, match="older version"):
        actions.apply_import(run_id=run.pk, by=ada, now=now)
    actions.choose_mapping(run_id=run.pk, mapping=run.mapping, by=ada, now=now)
    running.work(run_id=run.pk)
    actions.apply_import(run_id=run.pk, by=ada, now=now)
