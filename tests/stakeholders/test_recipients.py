"""Counting and sampling take short ways; they must agree with the list that is frozen."""

import itertools
import random

import pytest
from django.core.cache import cache
from django.db import connection

from stakeholders import recipients
from stakeholders.models import Contact, Membership
from tests import factories
from tests.conftest import NOW

KINDS, PRODUCTS = ("customer", "partner"), ([], ["Payments API"], ["Webhooks"], ["Payments API", "Webhooks"])
RULES = [
    recipients.Rule(kinds=kinds, tiers=tiers, affected_only=affected_only, affected=affected)
    for kinds, tiers, affected_only, affected in itertools.product(
        (("customer",), KINDS), ((1, 2, 3), (1,), (2, 3)), (True, False), ((), ("Payments API",))
    )
]


@pytest.fixture
def crowd(db):
    """Sixty people in one to three of twelve accounts, with every mix of flags."""
    chance = random.Random(7)
    accounts = [
        factories.make_account(f"Account {n:02}", kind=chance.choice(KINDS), tier=1 + n % 3, products=PRODUCTS[n % 4])
        for n in range(12)
    ]
    for number in range(60):
        person = Contact.objects.create(
            email=f"p{number}@x.example", address=f"p{number}@x.example", updated_at=NOW,
            marketing_opt_out=chance.random() < 0.4, unsubscribed_at=NOW if chance.random() < 0.1 else None,
            **({"suppressed_at": NOW, "suppressed_reason": "bounced"} if chance.random() < 0.1 else {}),
        )  # fmt: skip
        for place, account in enumerate(chance.sample(accounts, chance.randint(1, 3))):
            Membership.objects.create(contact=person, account=account, is_main=place == 0)


def chosen(rule):
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT contact_id, tier, accounts, skip FROM ({recipients.SELECTION}) s", recipients.parameters(rule)
        )
        return cursor.fetchall()


def test_the_counts_are_those_of_the_list(crowd):
    for rule in RULES:
        rows = chosen(rule)
        found = recipients.reach(rule)
        told = [row for row in rows if not row[3]]

        assert found.contacts == len(told), rule
        assert found.accounts == len({account for row in told for account in row[2]}), rule
        assert found.tiers == {tier: sum(row[1] == tier for row in told) for tier in sorted({row[1] for row in told})}
        assert found.skipped == {why: sum(row[3] == why for row in rows) for why in {row[3] for row in rows if row[3]}}


def test_the_samples_walk_through_everybody_on_the_list_once_and_best_tier_first(crowd):
    for rule in RULES:
        told = {row[0]: row[1] for row in chosen(rule) if not row[3]}
        walked = [recipients.sample(rule, position=place) for place in range(len(told))]

        assert sorted(one["contact_id"] for one in walked) == sorted(told), rule
        assert [one["tier"] for one in walked] == sorted(told.values()), rule
        assert recipients.sample(rule, position=len(told)) is None


def test_a_count_is_kept_for_pages_only_where_there_are_many_and_never_for_what_is_approved(crowd, monkeypatch):
    rule = recipients.Rule(affected_only=False)
    before = recipients.reach_shown(rule).contacts
    Contact.objects.update(suppressed_at=NOW, suppressed_reason="x")
    assert before > 0 and recipients.reach_shown(rule).contacts == 0
    Contact.objects.update(suppressed_at=None, unsubscribed_at=None)
    monkeypatch.setattr(recipients, "MANY", 1)
    many = recipients.reach_shown(rule).contacts
    Contact.objects.update(suppressed_at=NOW, suppressed_reason="x")

    assert (recipients.reach_shown(rule).contacts, recipients.reach(rule).contacts) == (many, 0)
    cache.clear()
