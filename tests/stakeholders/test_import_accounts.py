"""Accounts alone: the same pipeline, another kind."""

from decimal import Decimal

import pytest

from crisiscomms.models import User
from stakeholders.imports import kinds, mapping
from stakeholders.models import Account, Contact, ImportRow

HEADER = "Account Name,External ID,Value,Tier,Region,Products,Owner Email,Time Zone,Annual Revenue\n"
ACME = 'Acme,7,Strategic,2,EMEA,"API; Mail",seller@x.example,europe/berlin,"1,200.50"\n'


def test_it_fills_an_account(bring):
    owner = User.objects.create_user("seller@x.example", name="Seller", roles=["sales"])

    run = bring(HEADER + ACME, kind="accounts")

    account = Account.objects.get()
    assert (run.created, run.applied, Contact.objects.count()) == (1, 1, 0)
    assert (account.name, account.external_id, account.value, account.tier) == ("Acme", "7", "strategic", 2)
    assert (account.region, account.products, account.owner) == ("EMEA", ["API", "Mail"], owner)
    assert (account.time_zone, account.revenue) == ("Europe/Berlin", Decimal("1200.50"))


def test_the_same_file_again_changes_nothing(bring):
    bring(HEADER + ACME, kind="accounts")

    run = bring(HEADER + ACME, kind="accounts")

    assert (run.created, run.updated, run.unchanged) == (0, 0, 1)


def test_blank_cells_erase_nothing_and_a_stated_tier_counts(bring):
    bring(HEADER + ACME, kind="accounts")

    run = bring(HEADER + "Acme Inc,7,,1,,,,,\n", kind="accounts")

    account = Account.objects.get()
    assert (run.updated, account.name, account.tier, account.region) == (1, "Acme Inc", 1, "EMEA")


def test_it_meets_the_accounts_that_came_with_contacts(bring):
    bring("Email,Account Name\nada@x.example,ACME  Corp\n")

    run = bring("Name,ID\nAcme Corp,7\nGlobex,8\n", kind="accounts")

    assert (run.updated, run.created) == (1, 1)
    assert Account.objects.get(external_id="7").contacts.get().address == "ada@x.example"


@pytest.mark.parametrize(
    ("row", "outcome", "reason"),
    [
        (",,,,,,,,", None, ""),
        (",,Strategic,,,,,,", "reject", "no account name or number"),
        ("Acme,9,,4,,,,,", "reject", "tier is neither 1, 2 nor 3"),
        ("Acme,7,,,,,,,", "duplicate", "same account as row 2"),
        ("Acme,9,,,,,,Mars/Olympus,", "reject", "unknown time zone"),
        (f"{'x' * 201},,,,,,,,", "reject", "account name is longer than 200 characters"),
        ('"Ac\u2028me",,,,,,,,', "reject", "line break in account name"),
    ],
)
def test_each_row_has_its_fate(row, outcome, reason, read):
    run = read(HEADER + ACME + row + "\n", kind="accounts")

    last = ImportRow.objects.filter(run=run, number=3).first()
    assert (last and last.outcome, last.reason if last else "") == (outcome, reason)


def test_a_second_row_of_an_account_says_nothing(bring):
    run = bring(HEADER + "Acme,7,,,EMEA,,,,\nAcme,7,,1,,,,,\n", kind="accounts")

    assert (run.duplicates, Account.objects.get().tier, run.state) == (1, 3, "done")


def test_a_hostile_name_is_stored_as_typed(bring):
    bring("Name\n=1+1\n\u202eemca\n", kind="accounts")

    assert set(Account.objects.values_list("name", flat=True)) == {"=1+1", "\u202eemca"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["Name", "ID", "Tier"], {"account_name": "Name", "account_id": "ID", "tier": "Tier"}),
        (["Company name", "Record ID"], {"account_name": "Company name", "account_id": "Record ID"}),
        (["Account Name", "Account Tier"], {"account_name": "Account Name", "value": "Account Tier"}),
    ],
)
def test_it_proposes_what_columns_mean(headers, expected):
    assert mapping.by_name(kinds.ACCOUNTS, headers) == expected


@pytest.mark.parametrize("kind", kinds.KINDS.values(), ids=lambda kind: kind.key)
def test_every_kind_is_whole(kind):
    assert set(kind.needs) <= kind.keys
    assert len(kind.cells({})) == len(kind.headings)
    assert len({field.label for field in kind.columns}) == len(kind.columns)
