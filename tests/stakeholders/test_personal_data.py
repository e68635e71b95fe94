"""A person's data: all of it taken out, and erased without harm to the record, the counts or anybody else."""

import json

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from crisiscomms import audit, personal
from crisiscomms.models import AuditDetail, GivenAnswer
from crisiscomms.refusal import Refused
from delivery import sweeping
from delivery.models import DeliveryAttempt, Notification, Tally
from incidents import actions as incidents
from stakeholders import actions, recipients
from stakeholders.imports import running
from stakeholders.models import Contact, ErasedAddress, ImportRun, Membership
from tests.conftest import NOW
from tests.delivery.ground import order_mail, people, work_until_over

WORDS = ("lena@many.example", "lena", "Quintel", "+49 40 1")


@pytest.fixture
def lena(ada, ben, sink, settings, tmp_path):
    """Imported, mailed about an incident, unsubscribed; beside her Omar, who must not be touched."""
    settings.MEDIA_ROOT = tmp_path
    people("omar")
    rows = "Email,First Name,Last Name,Phone,Account Name\nlena@many.example,Lena,Quintel,+49 40 1,Many Ltd\n"
    bring_in(rows, ada)
    dispatch = order_mail(ada, ben)
    work_until_over(dispatch)
    said = {
        "author": "lena@many.example",
        "quote": "Lena Quintel (lena@many.example) is angry",
        "link": "https://x.example/lena",
    }
    incidents.note_mention(
        incident_id=dispatch.incident_id, channel="forum", where="Forum", sentiment="negative", seen_at=NOW, by=ada, now=NOW,
        **said,
    )  # fmt: skip
    contact = Contact.objects.get(address="lena@many.example")
    actions.unsubscribe_contact(contact_id=contact.pk, now=NOW, how="by lena@many.example")
    return contact


def bring_in(rows, by):
    file = ContentFile(rows.encode(), "q.csv")
    run = actions.start_import(file=file, name="q.csv", by=by, now=NOW, in_background=False)
    running.work(run_id=run.pk)
    run = ImportRun.objects.get(pk=run.pk)
    if run.importable:
        actions.apply_import(run_id=run.pk, by=by, now=NOW, in_background=False)
        running.work(run_id=run.pk)
    return ImportRun.objects.get(pk=run.pk)


def person(contact):
    return personal.Person(contact.address, contact.pk, contact.email)


def tables_with(word):
    """Every table that stays in which a word still stands, in any column."""
    found = set()
    with connection.cursor() as cursor:
        # What an import lays out for itself goes with its transaction; here that is the test's own.
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text ILIKE %s', [f"%{word}%"])
            if cursor.fetchone()[0]:
                found.add(table)
    return found


def test_the_export_holds_everything_of_every_house(lena, olga, browse):
    answer = browse(olga, f"/contacts/{lena.pk}/data/person.json")

    found = json.loads(answer.content)
    assert found["contact"][0]["accounts"] == ["Many Ltd"] and found["contact"][0]["phone"] == "+49 40 1"
    assert found["mails"][0]["state"] == "Handed over" and found["mails"][0]["tries"]
    assert found["imports"][0]["file"] == "q.csv"
    assert "contact.unsubscribed" in [one["what"] for one in found["record"]]
    assert "omar" not in answer.content.decode()
    assert set(found) == {"address"} | {holder.key for holder in personal.holders()}


def test_erasing_leaves_no_word_of_the_person_anywhere_in_the_database(lena, olga):
    assert tables_with("lena") >= {"stakeholders_contact", "delivery_notification", "stakeholders_importrow"}

    personal.erase(person=person(lena), by=olga, now=NOW)

    assert {word: tables_with(word) for word in WORDS} == {word: set() for word in WORDS}


def test_erasing_harms_neither_the_record_nor_the_counts_nor_anybody_else(lena, olga):
    before = list(Tally.objects.values())

    personal.erase(person=person(lena), by=olga, now=NOW)

    assert list(audit.faults(audit.INSTALLATION)) == [] and list(audit.faults("INC-1")) == []
    assert list(Tally.objects.values()) == before and Tally.objects.get().adds_up
    assert Contact.objects.get(address="omar@many.example").memberships.count() == 1
    assert Notification.objects.get(address="omar@many.example").merge["email"] == "omar@many.example"


def test_no_import_and_no_list_brings_an_erased_person_back(lena, olga, ada):
    personal.erase(person=person(lena), by=olga, now=NOW)

    run = bring_in("Email,Account Name\n LENA@many.example,Many Ltd\nnew@many.example,Many Ltd\n", ada)

    assert (run.created, run.rejected) == (1, 1)
    assert "asked to be forgotten" in run.staged.get(outcome="reject").reason
    assert not Membership.objects.filter(contact=lena).exists()
    assert recipients.reach(recipients.Rule(affected_only=False)).contacts == 2
    assert tables_with("lena@many.example") == set()


OTHERS = ("stefan@x.example", "an@x.example.org", "an-an@x.example", "o'an@x.example")
NAMED = ("an@x.example", "<AN@x.example>", "mail to an@x.example.", "two\nan@x.example")


@pytest.mark.parametrize("other", OTHERS)
def test_whoever_has_a_longer_address_is_left_alone(other, db, olga, ada, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    bring_in(f"Email,Phone\n{other},1\n", ada)
    audit.record(chain=audit.INSTALLATION, verb="x.y", subject="x", text=f"of {other}", by=ada, now=NOW)
    staged_only = actions.start_import(
        file=ContentFile(f"Email\n{other}\n".encode()), name="w.csv", by=ada, now=NOW, in_background=False
    )
    running.work(run_id=staged_only.pk)
    an = Contact.objects.create(email="an@x.example", address="an@x.example", updated_at=NOW)

    assert other not in json.dumps(personal.export(person(an)))
    personal.erase(person=person(an), by=olga, now=NOW)

    assert tables_with(other) >= {"stakeholders_contact", "stakeholders_importrow", "stakeholders_importrun"}
    assert AuditDetail.objects.get(event__verb="x.y").text == f"of {other}"


@pytest.mark.parametrize("words", NAMED)
def test_a_whole_address_is_found_wherever_it_stands(words, db, olga, ada):
    for number, data in enumerate(({}, {"words": words})):
        text = "" if data else words
        audit.record(chain=audit.INSTALLATION, verb=f"x.y{number}", subject="x", text=text, by=ada, now=NOW, data=data)
    an = Contact.objects.create(email="an@x.example", address="an@x.example", updated_at=NOW)

    personal.erase(person=person(an), by=olga, now=NOW)

    kept = AuditDetail.objects.filter(event__verb__startswith="x.y", erased_at=None)
    assert not kept.exists()


def test_an_international_domain_is_forgotten_in_each_of_its_spellings(db, olga, ada, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    bring_in("Email,Account Name\nJoerg@Müller.example,Many Ltd\njoerg@müller.example,\njoerg@müller.example,A\x00B\n"
             .replace("\x00", "\u2028"), ada)  # fmt: skip
    audit.record(
        chain=audit.INSTALLATION, verb="x.y", subject="x", text="joerg@mu\u0308ller.example wrote", by=ada, now=NOW
    )
    contact = Contact.objects.get()
    assert contact.address == "joerg@xn--mller-kva.example" and tables_with("müller.example")

    personal.erase(person=person(contact), by=olga, now=NOW)

    words = ("müller.example", "mu\u0308ller.example", "joerg", "xn--mller-kva.example")
    assert {word: tables_with(word) for word in words} == {word: set() for word in words}


def test_erasing_twice_at_once_leaves_one_digest(lena, olga):
    of_both = person(lena)
    personal.erase(person=of_both, by=olga, now=NOW)
    personal.erase(person=of_both, by=olga, now=NOW)
    personal.erase(person=person(Contact.objects.get(pk=lena.pk)), by=olga, now=NOW)

    assert Contact.objects.get(pk=lena.pk).address == personal.digest("lena@many.example")
    assert [one.digest for one in ErasedAddress.objects.all()] == [personal.digest("lena@many.example")]


def test_while_a_mail_to_them_is_on_its_way_erasing_is_refused_with_words(ada, ben, olga):
    people("lena")
    contact = Contact.objects.get()
    dispatch = order_mail(ada, ben)
    sweeping.sweep(now=NOW)

    with pytest.raises(Refused, match=f"of {dispatch.incident.ref} is on its way to this person"):
        personal.erase(person=person(contact), by=olga, now=NOW)

    assert Contact.objects.get().first_name == "lena" and not ErasedAddress.objects.exists()


def test_a_file_that_names_them_and_waits_for_a_decision_comes_first(lena, olga, ada):
    file = ContentFile(b"Email\nlena@many.example\n", "w.csv")
    run = actions.start_import(file=file, name="w.csv", by=ada, now=NOW, in_background=False)
    running.work(run_id=run.pk)

    with pytest.raises(Refused, match=r"w\.csv"):
        personal.erase(person=person(lena), by=olga, now=NOW)


@pytest.mark.parametrize("who", ["ada", "ben", "cleo"])
def test_only_administrators_see_the_page_or_may_erase(lena, who, request, browse):
    somebody = request.getfixturevalue(who)

    assert browse(somebody, f"/contacts/{lena.pk}/data/").status_code == 404
    with pytest.raises(Refused, match="Only an administrator"):
        personal.erase(person=person(lena), by=somebody, now=NOW)


def test_the_page_says_what_goes_and_what_stays_and_wants_the_address_typed(lena, olga, browse):
    url = f"/contacts/{lena.pk}/data/"

    page = browse(olga, url).content.decode()
    assert all(holder.forgets in page for holder in personal.holders())
    assert browse(olga, url, {"address": "omar@many.example"}).status_code == 422
    assert Contact.objects.get(pk=lena.pk).first_name == "Lena"
    assert browse(olga, url, {"address": "Lena@many.example "}).status_code == 302

    after = browse(olga, url).content.decode()
    assert "an erased person" in after and "lena" not in after.lower().replace("calendar", "")
    assert browse(olga, "/contacts/").status_code == 200


def test_the_command_takes_out_somebody_who_is_in_a_file_only(lena, olga, capsys):
    call_command("export_person", "LENA@many.example")

    assert json.loads(capsys.readouterr().out)["contact"][0]["first_name"] == "Lena"


def test_what_a_try_said_can_only_lose_its_addresses(lena):
    tried = DeliveryAttempt.objects.earliest("pk")
    DeliveryAttempt.objects.create(
        notification=tried.notification, number=2, at=NOW, outcome="failed", text="550 <a@b.example> no"
    )
    named = DeliveryAttempt.objects.get(number=2)

    with pytest.raises(DatabaseError, match="delivery_attempt_stays"), transaction.atomic():
        DeliveryAttempt.objects.filter(pk=named.pk).update(text="nothing happened")
    DeliveryAttempt.objects.filter(pk=named.pk).update(text="550 <[address]> no")

    assert DeliveryAttempt.objects.get(pk=named.pk).text == "550 <[address]> no"


def test_an_erased_person_is_in_no_list_and_cannot_be_allowed_again(lena, olga, browse):
    personal.erase(person=person(lena), by=olga, now=NOW)

    page = browse(olga, "/contacts/").content.decode()
    assert "erased" not in page and "omar" in page
    with pytest.raises(Refused, match="erased at their own wish"):
        actions.allow_contact_again(contact_id=lena.pk, by=olga, now=NOW)


def test_what_the_api_answered_about_a_person_is_taken_out_and_erased(lena, olga, ada):
    kept = {"person": ada, "request_digest": "x", "status": 201, "created_at": NOW}
    GivenAnswer.objects.create(key="a", body={"title": "LENA@many.example cannot log in"}, **kept)
    GivenAnswer.objects.create(key="b", body={"title": "Payments fail"}, **kept)

    assert [one["answer"]["title"] for one in personal.export(person(lena))["answers"]] == [
        "LENA@many.example cannot log in"
    ]
    personal.erase(person=person(lena), by=olga, now=NOW)

    assert [one.key for one in GivenAnswer.objects.all()] == ["b"]
