"""What migrations do to data that is there: forward, back, and twice."""

from importlib import import_module

import pytest
from django.apps import apps

from crisiscomms.models import Policy

ADDED = {"0013_retention_of_signals": "signals_days", "0018_retention_of_mentions": "mentions_days"}


@pytest.fixture(params=ADDED)
def migration(request):
    found = import_module(f"incidents.migrations.{request.param}")
    found.name, found.entry = request.param, ADDED[request.param]
    return found


def kept():
    """(version, data) of every version of the policy, the oldest first."""
    return list(Policy.objects.filter(key="retention").order_by("version").values_list("version", "data"))


def as_before(migration):
    """An installation whose people keep periods of their own, from a release that knew no such entry."""
    last = Policy.objects.filter(key="retention").latest("version")
    own = {name: days + 1 for name, days in last.data.items() if name != migration.entry and isinstance(days, int)}
    Policy.objects.create(
        key="retention", version=last.version + 1, data=own, changed_by=None, changed_at=last.changed_at, reason="Ours"
    )
    return own


def test_the_entry_joins_what_people_chose_and_leaves_it_again(migration, policies):
    own, before = as_before(migration), kept()

    migration.add(apps, None)
    assert [data for _, data in kept()[len(before) :]] == [{**own, **migration.NEW}]

    migration.take_back(apps, None)
    assert [data for _, data in kept()[len(before) + 1 :]] == [own]
    assert kept()[: len(before)] == before


def test_either_way_twice_is_once(migration, policies):
    as_before(migration)

    for way in (migration.add, migration.take_back):
        way(apps, None)
        once = kept()
        way(apps, None)
        assert kept() == once


def test_nobody_is_said_to_have_decided_it_and_no_later_than_what_it_continues(migration, policies):
    as_before(migration)

    migration.add(apps, None)

    before, added = Policy.objects.filter(key="retention").order_by("-version")[:2][::-1]
    assert (added.changed_by, added.changed_at) == (None, before.changed_at)
    assert "came with this release" in added.reason


@pytest.mark.django_db
def test_an_empty_installation_gets_its_policies_from_load_defaults(migration):
    Policy.objects.filter(key="retention").delete()

    migration.add(apps, None)
    migration.take_back(apps, None)

    assert kept() == []
