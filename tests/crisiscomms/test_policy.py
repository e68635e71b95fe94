"""Numbers are data: versioned, never edited in place, and a company's own wins over what is shipped."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from crisiscomms import policy
from crisiscomms.models import AuditEvent, Policy
from incidents import deadlines
from tests import factories
from tests.conftest import NOW


def test_the_highest_version_is_in_force_and_the_old_ones_stay(db, ada):
    policy.replace(key="tea", data={"minutes": 3}, by=ada, now=NOW)
    policy.replace(key="tea", data={"minutes": 4}, by=ada, now=NOW)

    assert policy.current("tea") == {"minutes": 4}
    assert list(Policy.objects.filter(key="tea").order_by("version").values_list("version", "data")) == [
        (1, {"minutes": 3}),
        (2, {"minutes": 4}),
    ]
    texts = AuditEvent.objects.filter(verb="policy.replaced", actor=ada).values_list("detail__text", flat=True)
    assert set(texts) == {
        "Policy “tea” changed to version 1",
        "Policy “tea” changed to version 2; minutes: 3 → 4",
    }


def test_what_is_shipped_loads_only_where_nothing_is(db):
    assert policy.load_default(key="tea", data={"minutes": 3}, now=NOW) is True
    assert policy.load_default(key="tea", data={"minutes": 9}, now=NOW) is False
    assert policy.current("tea") == {"minutes": 3}


def test_a_policy_that_was_never_loaded_is_an_error_not_a_guess(db):
    with pytest.raises(Policy.DoesNotExist):
        policy.current("coffee")


def test_a_version_stands_once(db):
    policy.replace(key="tea", data={}, by=None, now=NOW)

    with pytest.raises(IntegrityError, match="policy_version_once"):
        Policy.objects.create(key="tea", version=1, data={}, changed_at=NOW)


def test_a_changed_number_counts_for_the_next_incident_and_not_for_the_last(ada):
    before = factories.make_incident(ada)
    rules = policy.current("incidents")
    rules["severities"]["major"]["acknowledge_minutes"] = 45
    policy.replace(key="incidents", data=rules, by=ada, now=NOW)

    after = factories.make_incident(ada)

    due = {one: one.deadlines.get(kind="acknowledge").due_at for one in (before, after)}
    assert due == {before: NOW + timedelta(minutes=90), after: NOW + timedelta(minutes=45)}
    assert deadlines.severity_policy(after)["acknowledge_minutes"] == 45
