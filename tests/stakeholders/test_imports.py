import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from crisiscomms import personal
from crisiscomms.models import AuditEvent, User
from crisiscomms.refusal import Refused
from incidents.models import Product
from stakeholders import actions
from stakeholders.imports import chunks, kinds, running, staging
from stakeholders.models import Account, ColumnMapping, Contact, ErasedAddress, ImportRow, ImportRun, Membership

DATA = Path(__file__).parent.parent / "data"
HEADER = "Email,First Name,Last Name,Account Name\n"
EXPECTED = json.loads((DATA / "expected-imports.json").read_text())


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda each: each["file"])
def test_an_export_gives_the_expected_figures(expected, bring, crm_files):
    run = bring(crm_files[expected["file"]], expected["file"])

    rejected = ImportRow.objects.filter(run=run, outcome="reject").order_by("number").values("number", "reason")
    doubled = ImportRow.objects.filter(run=run, outcome="duplicate").order_by("number")
    assert run.rows == expected["rows"]
    assert run.importable == run.created == Contact.objects.count() == expected["importable"]
    assert [{"row": row["number"], "reason": row["reason"]} for row in rejected] == expected["rejected"]
    assert list(doubled.values_list("number", flat=True)) == expected["duplicates_within_file"]


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda each: each["file"])
def test_the_same_file_again_makes_nothing_new(expected, bring, crm_files):
    bring(crm_files[expected["file"]])
    before = (Contact.objects.count(), Account.objects.count(), Membership.objects.count())

    run = bring(crm_files[expected["file"]])

    assert (run.created, run.updated, run.unchanged) == (0, 0, expected["importable"])
    assert (Contact.objects.count(), Account.objects.count(), Membership.objects.count()) == before


def test_it_fills_account_and_person(bring):
    owner = User.objects.create_user("seller@x.example", name="Seller", roles=["sales"])
    bring(
        "Email,First Name,Account ID,Account Name,Account Tier,Annual Revenue,Time Zone,Products,Account Owner Email,"
        'Email Opt Out\nAda@x.example,Ada,7,Acme,Strategic,"1,200,000",europe/berlin,"API; Mail, API",'
        "Seller@X.example,TRUE\n"
    )

    contact, account = Contact.objects.get(), Account.objects.get()
    assert (contact.email, contact.address, contact.marketing_opt_out) == ("Ada@x.example", "ada@x.example", True)
    assert (account.external_id, account.value, account.tier, account.owner) == ("7", "strategic", 1, owner)
    assert (account.revenue, account.time_zone, account.products) == (
        Decimal(1_200_000),
        "Europe/Berlin",
        ["API", "Mail"],
    )


def test_blank_cells_erase_nothing(bring):
    bring(HEADER + "ada@x.example,Ada,Lovelace,Acme\n")

    run = bring(HEADER + "ada@x.example,,King,\n")

    contact = Contact.objects.get()
    assert (run.updated, contact.first_name, contact.last_name) == (1, "Ada", "King")


def test_who_unsubscribed_or_bounced_stays_so(bring, now):
    bring(HEADER + "ada@x.example,Ada,L,Acme\n")
    contact = Contact.objects.get()
    actions.unsubscribe_contact(contact_id=contact.pk, now=now, how="link in the mail")
    actions.suppress_contact(contact_id=contact.pk, reason="550 no such user", now=now)

    bring(HEADER + "ADA@x.example,Ada,New,Acme\n")

    contact.refresh_from_db()
    assert (contact.last_name, contact.unsubscribed_at, contact.suppressed_at) == ("New", now, now)
    assert not Contact.objects.reachable().exists()


def test_the_marketing_opt_out_follows_the_file(bring):
    for word, is_out in [("yes", True), ("", True), ("0", False)]:
        bring(f"Email,Email Opt Out\nada@x.example,{word}\n")
        assert Contact.objects.get().marketing_opt_out is is_out


def test_a_person_named_twice_joins_both_accounts(bring):
    run = bring(HEADER + "ada@x.example,Ada,L,Acme\nADA@x.example,Other,L,Globex\n")

    contact = Contact.objects.get()
    assert (run.duplicates, contact.first_name) == (1, "Ada")
    assert list(contact.memberships.order_by("pk").values_list("account__name", "is_main")) == [
        ("Acme", True),
        ("Globex", False),
    ]


def test_an_account_without_a_number_is_found_by_its_name(bring):
    bring("Email,Account ID,Account Name\nada@x.example,7,Acme Corp\n")
    bring(HEADER + "ben@x.example,Ben,L,ACME  corp\n")

    assert Account.objects.get().contacts.count() == 2


def test_an_account_known_by_name_learns_its_number(bring):
    bring(HEADER + "ada@x.example,Ada,L,Acme\n")
    bring("Email,Account ID,Account Name\nben@x.example,7,acme\ncleo@x.example,8,Acme\n")

    assert sorted(Account.objects.values_list("external_id", flat=True)) == ["7", "8"]


def test_a_customer_called_a_lead_stays_a_customer(bring):
    header = "Email,Company name,Lifecycle Stage\n"
    bring(header + "ada@x.example,Acme,Lead\nben@x.example,Acme,Customer\ncleo@x.example,Acme,Opportunity\n")

    run = bring(header + "ada@x.example,Acme,Lead\n")

    assert (Account.objects.get().kind, run.unchanged) == ("customer", 1)


def test_a_tier_set_by_hand_stays_until_the_value_changes(bring):
    header = "Email,Account Name,Account Tier\n"
    bring(header + "ada@x.example,Acme,Standard\n")
    Account.objects.update(tier=1)

    bring(header + "ada@x.example,Acme,Standard\n")
    kept = Account.objects.get().tier
    bring(header + "ada@x.example,Acme,Important\n")

    assert (kept, Account.objects.get().tier) == (1, 2)


def test_what_was_seen_is_what_happens_also_when_somebody_was_faster(read, bring, now):
    slow = read(HEADER + "ada@x.example,Ada,L,Acme\n")
    bring(HEADER + "ada@x.example,Ada,L,Acme\n")

    actions.apply_import(run_id=slow.pk, by=None, now=now, in_background=False)
    running.work(run_id=slow.pk)

    slow.refresh_from_db()
    assert (slow.created, slow.unchanged, Contact.objects.count()) == (0, 1, 1)


def test_a_killed_import_goes_on_without_double_rows(now, monkeypatch, crm_files, db):
    monkeypatch.setattr(chunks, "CHUNK", 500)
    file = ContentFile(crm_files["crm-export-salesforce.csv"], "contacts.csv")
    run = actions.start_import(file=file, name="contacts.csv", by=None, now=now, in_background=False)

    bells = 1
    while running.work(run_id=run.pk, seconds=0):
        bells += 1
    actions.apply_import(run_id=run.pk, by=None, now=now, in_background=False)
    while running.work(run_id=run.pk, seconds=0):
        bells += 1

    run.refresh_from_db()
    assert bells > 16
    assert (run.created, run.duplicates, run.applied, Contact.objects.count()) == (3787, 4, 3791, 3787)


def test_a_worker_that_is_behind_stages_nothing(read, now):
    run = read(HEADER + "ada@x.example,Ada,L,Acme\n")
    behind = ImportRun.objects.get(pk=run.pk)
    behind.state = ImportRun.State.READING

    with pytest.raises(staging.Overtaken):
        staging.stage(behind, [(3, ["ben@x.example", "", "", ""])], staging.Past(kinds.CONTACTS.memory()), now=now)

    assert ImportRow.objects.filter(run=run).count() == 1


def test_a_file_that_kills_its_worker_is_not_tried_for_ever(db, now, read):
    run = read(HEADER + "ada@x.example,Ada,L,Acme\n")
    ImportRun.objects.update(state="reading", rows=0, tries=running.MAX_TRIES)

    running.work(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.file.name) == ("refused", "")


def test_a_cancelled_run_is_over_and_its_file_gone(read, ada, now, django_capture_on_commit_callbacks):
    run = read(HEADER + "ada@x.example,Ada,L,Acme\n")
    storage, name = run.file.storage, run.file.name

    with django_capture_on_commit_callbacks(execute=True):
        actions.cancel_import(run_id=run.pk, by=ada, now=now)

    assert not storage.exists(name)
    with pytest.raises(Refused, match="is over"):
        actions.apply_import(run_id=run.pk, by=ada, now=now)


@pytest.mark.parametrize("state", ImportRun.State)
def test_every_move_outside_the_table_is_refused(state, read, ada, now):
    run = read(HEADER + "ada@x.example,Ada,L,Acme\n")
    undone_at = now if state == "undone" else None
    ImportRun.objects.update(state=state, why_refused="for the test", undone_at=undone_at)
    moves = {
        "undoing": lambda: actions.undo_import(run_id=run.pk, by=ada, now=now),
        "reading": lambda: actions.choose_mapping(run_id=run.pk, mapping=run.mapping, by=ada, now=now),
        "importing": lambda: actions.apply_import(run_id=run.pk, by=ada, now=now),
        "cancelled": lambda: actions.cancel_import(run_id=run.pk, by=ada, now=now),
    }
    for target in set(moves) - ImportRun.MOVES[state]:
        with pytest.raises(Refused):
            moves[target]()


def test_chosen_columns_are_remembered_for_the_next_file(read, ada, now):
    text = "Anschrift,Wer\nada@x.example,Ada\n"
    run = read(text)
    assert (run.state, run.rows, run.mapping) == ("ready", 0, {})

    actions.choose_mapping(run_id=run.pk, mapping={"email": "Anschrift", "first_name": "Wer"}, by=ada, now=now)
    running.work(run_id=run.pk)
    again = read(text)

    run.refresh_from_db()
    assert (run.created, again.created, ColumnMapping.objects.count()) == (1, 1, 1)


def test_reading_again_replaces_the_staged_rows(read, ada, now):
    run = read(HEADER + "ada@x.example,Ada,L,Acme\nnobody,B,C,D\n")

    actions.choose_mapping(run_id=run.pk, mapping={"email": "Email"}, by=ada, now=now)
    running.work(run_id=run.pk)

    run.refresh_from_db()
    assert (run.rows, run.created, run.rejected, ImportRow.objects.filter(run=run).count()) == (2, 1, 1, 2)


@pytest.mark.parametrize("mapping", [{}, {"email": "Email", "phone": "Email"}, {"email": "Gone"}, {"x": "Email"}])
def test_columns_that_cannot_be_are_refused(mapping, read, ada, now):
    run = read(HEADER + "ada@x.example,Ada,L,Acme\n")

    with pytest.raises(Refused):
        actions.choose_mapping(run_id=run.pk, mapping=mapping, by=ada, now=now)


def test_only_who_may_imports(read, cleo, now):
    with pytest.raises(Refused, match="Only product marketing"):
        read(HEADER + "ada@x.example,Ada,L,Acme\n", by=cleo)


def test_the_sweep_rings_for_runs_that_stand_still(read, now):
    run = read(HEADER + "ada@x.example,Ada,L,Acme\n")
    ImportRun.objects.update(state="reading", worked_at=now)

    assert list(ImportRun.objects.stuck(before=now + timedelta(seconds=1))) == [run]
    assert not ImportRun.objects.stuck(before=now).exists()


def test_consent_is_recorded_once(bring, now):
    bring(HEADER + "ada@x.example,Ada,L,Acme\n")
    contact = Contact.objects.get()

    for _ in range(2):
        actions.unsubscribe_contact(contact_id=contact.pk, now=now, how="link")

    assert AuditEvent.objects.filter(verb="contact.unsubscribed").count() == 1


def test_a_stopped_address_may_be_tried_again_but_an_unsubscribe_stays(bring, ada, now):
    bring(HEADER + "ada@x.example,Ada,L,Acme\n")
    contact = Contact.objects.get()
    actions.suppress_contact(contact_id=contact.pk, reason="550", now=now)
    actions.unsubscribe_contact(contact_id=contact.pk, now=now, how="link")

    contact = actions.allow_contact_again(contact_id=contact.pk, by=ada, now=now)

    assert (contact.suppressed_at, contact.unsubscribed_at) == (None, now)
    with pytest.raises(Refused, match="not stopped"):
        actions.allow_contact_again(contact_id=contact.pk, by=ada, now=now)


def test_an_import_says_which_products_are_not_set_up(bring, ada, browse):
    Product.objects.create(name="Payments API")
    run = bring(
        "Email,Account Name,Products\n"
        "a@x.example,Acorn,Payments API; Webhooks\nb@y.example,Birch,Webhooks\nc@z.example,Cedar,Dash <b>board</b>\n"
    )

    page = browse(ada, reverse("stakeholders:import", args=[run.pk])).content.decode()

    assert "products that are not set up here" in page
    assert "<bdi>Webhooks</bdi> (2 accounts)" in page and "Dash &lt;b&gt;board&lt;/b&gt;</bdi> (1 account)" in page
    assert "Payments API</bdi> (" not in page

    Product.objects.bulk_create([Product(name="Webhooks"), Product(name="Dash <b>board</b>")])
    assert "not set up here" not in browse(ada, reverse("stakeholders:import", args=[run.pk])).content.decode()


@pytest.mark.parametrize("change", [{"is_active": False}, {"roles": ["sales"]}], ids=["switched off", "another role"])
def test_x8_nothing_goes_on_in_the_name_of_somebody_who_lost_access(change, read, ada, olga, now):
    waits = read("Email\na@x.example\n", by=ada)
    actions.apply_import(run_id=waits.pk, by=ada, now=now, in_background=False)
    undoes = read("Email\nb@x.example\n", by=olga)
    actions.apply_import(run_id=undoes.pk, by=olga, now=now, in_background=False)
    running.work(run_id=undoes.pk)
    actions.undo_import(run_id=undoes.pk, by=ada, now=now, in_background=False)
    User.objects.filter(pk=ada.pk).update(**change)

    for run in (waits, undoes):
        assert running.work(run_id=run.pk) is False
        run.refresh_from_db()
        assert (run.state, run.file.name) == ("cancelled", "") and "may not import" in run.why_refused

    assert list(Contact.objects.values_list("address", flat=True)) == ["b@x.example"]
    assert AuditEvent.objects.filter(verb="import.cancelled", actor=None).count() == 2
    actions.undo_import(run_id=undoes.pk, by=olga, now=now, in_background=False)
    running.work(run_id=undoes.pk)
    assert not Contact.objects.exists()


def test_an_undo_is_not_cancelled_by_a_person(bring, ada, now):
    run = bring("Email\na@x.example\n")
    actions.undo_import(run_id=run.pk, by=ada, now=now, in_background=False)

    with pytest.raises(Refused, match="is being undone"):
        actions.cancel_import(run_id=run.pk, by=ada, now=now)


def test_who_was_erased_while_their_row_was_staged_does_not_come_back(read, now):
    run = read("Email,First Name\nlena@x.example,Lena\nomar@x.example,Omar\n")
    ErasedAddress.objects.create(digest=personal.digest("lena@x.example"), erased_at=now)
    actions.apply_import(run_id=run.pk, by=None, now=now, in_background=False)

    running.work(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.created, run.rejected, run.applied, run.to_apply) == ("done", 1, 1, 1, 1)
    assert list(Contact.objects.values_list("address", flat=True)) == ["omar@x.example"]
    assert run.samples == [] and run.staged.get(outcome="reject").data == {}
