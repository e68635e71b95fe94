import csv
import io
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from crisiscomms.models import AuditEvent, User
from stakeholders import actions
from stakeholders.imports import forgetting, running
from stakeholders.models import Account, Contact, ImportRun
from tests import factories

HEADER = "Email,First Name,Last Name,Account Name\n"
MANY = HEADER + "".join(f"p{n}@x.example,P,Q,Acme\n" for n in range(1200)) + "P1@x.example,,,\nnobody,,,\n"
HOSTILE = (
    "Email,First Name,Last Name,Job Title,Company name\n"
    'eve@x.example,<script>alert(1)</script>,{{ settings.SECRET_KEY }},"=HYPERLINK(""http://evil.example"")",'
    "\u202eemca\n"
)


@pytest.fixture
def seen(client, ada):
    client.force_login(ada)
    return client


def upload(client, raw, name="contacts.csv", kind="contacts"):
    raw = raw.encode() if isinstance(raw, str) else raw
    return client.post(reverse("stakeholders:upload"), {"kind": kind, "file": SimpleUploadedFile(name, raw)})


def rows_of(response):
    return list(csv.reader(io.StringIO(response.getvalue().decode().removeprefix("\ufeff"), newline="")))


def page(name, *args):
    return reverse(f"stakeholders:{name}", args=args)


def test_from_upload_to_contacts(seen, now):
    answer = upload(seen, HEADER + "ada@x.example,Ada,Lovelace,Acme\nnobody,B,C,D\n")
    run = ImportRun.objects.get()
    assert answer.url == page("import", run.pk)
    reading = seen.get(answer.url)
    assert b'hx-trigger="every 2s"' in reading.content
    moving = seen.get(page("import_live", run.pk))
    mark = re.search(r'"If-None-Match": "(\w+)"', moving.content.decode())[1]
    assert b"0 of about 2 rows read" in moving.content
    assert seen.get(page("import_live", run.pk), headers={"If-None-Match": mark}).status_code == 304

    running.work(run_id=run.pk)
    stopped = seen.get(page("import_live", run.pk))
    preview = seen.get(answer.url).content.decode()
    assert stopped.headers["HX-Refresh"] == "true"
    assert "Import 1 contact<" in preview
    assert "not an e-mail address" in preview
    assert "every 2s" not in preview

    seen.post(page("apply", run.pk), {"expected": 1})
    running.work(run_id=run.pk)
    assert "1 new" in seen.get(answer.url).content.decode()
    assert "Lovelace" in seen.get(page("contacts")).content.decode()


@pytest.mark.parametrize("outcome", ["create", "update", "same", "duplicate", "reject", "nonsense"])
def test_each_tab_lists_its_rows(outcome, seen, read):
    run = read(MANY)

    answer = seen.get(page("rows", run.pk), {"show": outcome})

    assert answer.status_code == 200
    assert "To create (1\u202f200)" in answer.content.decode()


def test_the_next_page_goes_on_after_the_last_row(seen, read):
    run = read(MANY)

    first = seen.get(page("rows", run.pk), {"show": "create"})
    second = seen.get(page("rows", run.pk), {"show": "create", "after": first.context["page"].next_after})

    assert second.context["page"].rows[0].number > first.context["page"].rows[-1].number


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "The file is empty"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"Email,Email\na,b\n", "Two columns"),
    ],
)
def test_a_refused_file_keeps_the_page_and_says_why(raw, words, seen):
    answer = upload(seen, raw)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_a_form_without_a_file_says_so(seen):
    answer = seen.post(page("upload"))

    assert answer.status_code == 422
    assert b"Choose a file first." in answer.content
    assert b"Choose what is in the file." in answer.content


def test_accounts_come_by_the_same_page(seen, now):
    answer = upload(seen, "Name,ID\nAcme,7\nAcme,7\n,,\n", kind="accounts")
    run = ImportRun.objects.get()
    running.work(run_id=run.pk)

    assert "Import 1 account<" in seen.get(answer.url).content.decode()
    seen.post(page("apply", run.pk), {"expected": 1})
    running.work(run_id=run.pk)
    assert "Undo this import" in seen.get(answer.url).content.decode()
    seen.post(page("undo", run.pk))
    running.work(run_id=run.pk)
    assert "1 change taken back, 0 left" in seen.get(answer.url).content.decode()
    assert seen.post(page("undo", run.pk)).status_code == 409


def test_rows_that_are_not_taken_leave_as_a_neutral_file(seen, read):
    run = read("Email,First Name\n=1+1,@evil\n")

    text = seen.get(page("rejected_csv", run.pk)).getvalue().decode()

    assert text.splitlines()[1] == '"2","\'=1+1","\'@evil","","not an e-mail address"'
    assert AuditEvent.objects.filter(verb="contacts.exported").exists()


def test_what_an_undo_left_is_listed_on_the_page_and_as_a_file(seen, bring, now):
    run = bring(HEADER + "ada@x.example,=Ada,L,Acme\n")
    actions.unsubscribe_contact(contact_id=Contact.objects.get().pk, now=now, how="link")

    seen.post(page("undo", run.pk))
    running.work(run_id=run.pk)

    assert "it was changed since" in seen.get(page("import", run.pk)).content.decode()
    assert '"Contact","ada@x.example","it was changed since"' in seen.get(page("kept_csv", run.pk)).getvalue().decode()


def test_a_run_whose_rows_are_forgotten_still_tells_its_figures(seen, bring, now):
    run = bring(HEADER + "ada@x.example,Ada,L,Acme\n")
    for _ in range(2):
        forgetting.forget(now=now + timedelta(days=8))

    for name in ("import", "rows"):
        assert "The rows were deleted" in seen.get(page(name, run.pk)).content.decode()
    assert "Undo this import" not in seen.get(page("import", run.pk)).content.decode()


def test_a_file_over_the_limit_is_stopped_and_said(seen, settings):
    settings.UPLOAD_LIMIT_BYTES = 1000

    answer = upload(seen, b"Email\n" + b"a@x.example\n" * 100_000)

    assert answer.status_code == 413
    assert "larger than 50 MB" in answer.content.decode()


def test_refused_while_reading_is_said_on_the_page(seen, read):
    run = read(b"Email\n" + b"a@x.example\n" * 5 + b"," * 300 + b"x\n")

    answer = seen.get(page("import", run.pk))

    assert run.state == "refused"
    assert "more than 300 cells" in answer.content.decode()


def test_columns_are_chosen_on_the_page(seen, read):
    run = read("Anschrift,Wer\nada@x.example,Ada\n")

    wrong = seen.post(page("columns", run.pk), {"column_0": "email", "column_1": "email"})
    right = seen.post(page("columns", run.pk), {"column_0": "email", "column_1": "first_name"})

    run.refresh_from_db()
    assert (wrong.status_code, right.status_code, run.state) == (422, 302, "reading")
    assert run.mapping == {"email": "Anschrift", "first_name": "Wer"}


def test_import_answers_409_when_the_preview_has_changed(seen, read):
    run = read(HEADER + "ada@x.example,Ada,L,Acme\n")

    answer = seen.post(page("apply", run.pk), {"expected": 2})

    assert answer.status_code == 409
    assert "preview has changed" in answer.content.decode()


def test_cancel_keeps_nothing(seen, read):
    run = read(HEADER + "ada@x.example,Ada,L,Acme\n")

    assert seen.post(page("cancel", run.pk)).status_code == 302
    assert seen.post(page("cancel", run.pk)).status_code == 409
    assert not Contact.objects.exists()


def test_hostile_cells_stay_harmless_text(seen, bring):
    run = bring(HOSTILE)
    account = Account.objects.get()

    for address in (
        page("contacts"),
        page("accounts"),
        page("account", account.pk),
        page("import", run.pk),
        page("rows", run.pk) + "?show=create",
        page("upload"),
    ):
        text = seen.get(address).content.decode()
        assert "<script>alert" not in text
        assert "<bdi>" in text or address == page("upload")
        assert "x" * 60 not in text
    assert "{{ settings.SECRET_KEY }}" in seen.get(page("contacts")).content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Byron", "Hopper", "Lovelace"]),
        ("q=ada", ["Byron", "Lovelace"]),
        ("q=ADA+love", ["Lovelace"]),
        ("q=glob", ["Hopper"]),
        ("q=grace@", ["Hopper"]),
        ("q=%25", []),
        ("tier=1", ["Lovelace"]),
        ("state=opted_out", ["Hopper"]),
        ("state=reachable", ["Byron", "Hopper", "Lovelace"]),
        ("sort=-name", ["Lovelace", "Hopper", "Byron"]),
        ("sort=email", ["Lovelace", "Byron", "Hopper"]),
    ],
)
def test_it_finds_people(query, found, seen, bring):
    bring(
        "Email,First Name,Last Name,Account Name,Account Tier,Email Opt Out\n"
        "al@x.example,Ada,Lovelace,Acme,Strategic,\ngrace@x.example,Grace,Hopper,Globex,,yes\n"
        "byron@x.example,Ada,Byron,,,\n"
    )

    answer = seen.get(f"{page('contacts')}?{query}")

    assert [contact.last_name for contact in answer.context["view"].rows] == found


@pytest.mark.parametrize("query", ["tier=9", "state=nonsense", "after=abc", "sort=phone", "q=" + "x" * 121])
@pytest.mark.parametrize("name", ["contacts", "accounts"])
def test_what_a_list_does_not_offer_is_refused_in_words_and_in_the_file_too(name, query, seen, bring):
    if name == "accounts":
        query = query.replace("state=", "kind=")
    bring(HEADER + "ada@x.example,Ada,L,Acme\n")

    answer = seen.get(f"{page(name)}?{query}")
    file = seen.get(f"{page({'contacts': 'export'}.get(name, 'accounts_csv'))}?{query}")

    assert answer.status_code == 400 and 'role="alert"' in answer.content.decode()
    assert "ada@x.example" not in answer.content.decode()
    assert file.status_code == (200 if query.startswith("after") else 400)


@pytest.mark.parametrize(
    ("name", "order"),
    [("contacts", "name"), ("contacts", "-name"), ("contacts", "-email"), ("accounts", "tier"), ("accounts", "-tier")],
)
def test_pages_follow_each_other_without_gap_or_double(name, order, seen, bring):
    bring(HEADER + "".join(f"p{n}@x.example,P,{'Same' if n % 2 else f'N{n:03}'},Acme {n}\n" for n in range(120)))
    Account.objects.filter(pk__in=Account.objects.order_by("name_key")[:60].values("pk")).update(tier=1)

    met, query = [], f"?sort={order}"
    while query:
        view = seen.get(page(name) + query).context["view"]
        met += view.rows
        query = view.next if view.next_after else ""

    assert (len(met), len({row.pk for row in met}), view.total) == (120, 120, 120)
    places = [row.last_name if order.endswith("name") else row.address for row in met if name == "contacts"]
    places += [(row.tier, row.name_key) for row in met if name == "accounts"]
    assert places == sorted(places, reverse=order.startswith("-"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Acme", "Bolt", "Crisp"]),
        ("tier=3", ["Bolt", "Crisp"]),
        ("kind=partner", ["Bolt"]),
        ("region=EMEA", ["Acme", "Crisp"]),
        ("region=EMEA&tier=1", ["Acme"]),
        ("q=BO", ["Bolt"]),
        ("sort=-name", ["Crisp", "Bolt", "Acme"]),
    ],
)
def test_it_finds_accounts_on_the_page_and_in_the_file(query, found, seen, db):
    factories.make_account("Acme", tier=1, region="EMEA")
    factories.make_account("Bolt", tier=3, region="APAC", kind="partner")
    factories.make_account("Crisp", tier=3, region="EMEA")

    answer = seen.get(f"{page('accounts')}?{query}")
    head, *lines = rows_of(seen.get(f"{page('accounts_csv')}?{query}"))

    assert [account.name for account in answer.context["view"].rows] == found
    assert [line[0] for line in lines] == found and head[:3] == ["Account", "CRM ID", "Kind"]
    assert AuditEvent.objects.get(verb="accounts.exported").detail.text.startswith(f"Exported {len(found)} account")


def test_columns_of_contacts_are_chosen_and_the_file_has_all(seen, bring):
    bring("Email,First Name,Last Name,Phone\nada@x.example,Ada,Lovelace,+43 1\n")

    html = seen.get(f"{page('contacts')}?col=phone").content.decode()
    head, line = rows_of(seen.get(f"{page('export')}?col=phone"))

    assert re.findall(r'data-label="([^"]+)"', html) == ["Phone"] and "+43 1" in html
    assert head[:5] == ["E-mail", "First name", "Last name", "Job title", "Phone"] and len(line) == 12


def test_the_empty_page_offers_the_import(seen):
    text = seen.get(page("contacts")).content.decode()

    assert "No contacts yet" in text
    assert page("upload") in text


def test_an_account_shows_its_people(seen, bring, now, ada):
    bring("Email,Account Name,Annual Revenue,Products\nada@x.example,Acme,46000,API\n")
    account, contact = Account.objects.get(), Contact.objects.get()
    actions.suppress_contact(contact_id=contact.pk, reason="550 unknown", now=now)

    text = seen.get(page("account", account.pk)).content.decode()
    answer = seen.post(page("allow", contact.pk), {"account": account.pk})
    again = seen.post(page("allow", contact.pk), {"account": account.pk})

    assert "550 unknown" in text
    assert "Try this address again" in text
    assert (answer.status_code, again.status_code) == (302, 409)


@pytest.mark.parametrize(
    ("role", "may_see", "may_import"),
    [
        ("product_marketing", 200, 200),
        ("customer_success", 200, 200),
        ("administrator", 200, 200),
        ("public_relations", 200, 404),
        ("product", 200, 404),
        ("legal", 200, 404),
        ("security", 200, 404),
        ("support", 200, 404),
        ("executive", 404, 404),
        ("sales", 404, 404),
    ],
)
def test_who_may(role, may_see, may_import, client, read, bring):
    bring(HEADER + "ada@x.example,Ada,L,Acme\n")
    run = read(HEADER + "ada@x.example,Ada,L,Acme\n")
    client.force_login(User.objects.create_user(f"{role}@x.example", name=role, roles=[role]))

    for name, args in [
        ("contacts", ()),
        ("accounts", ()),
        ("account", (Account.objects.get().pk,)),
        ("export", ()),
        ("accounts_csv", ()),
    ]:
        assert client.get(page(name, *args)).status_code == may_see
    for name in ("upload", "import", "import_live", "rows", "rejected_csv", "kept_csv"):
        args = () if name == "upload" else (run.pk,)
        assert client.get(page(name, *args)).status_code == may_import
    for name, args in [
        ("columns", (run.pk,)),
        ("apply", (run.pk,)),
        ("cancel", (run.pk,)),
        ("undo", (run.pk,)),
        ("allow", (1,)),
    ]:
        if may_import == 404:
            assert client.post(page(name, *args)).status_code == 404
    assert client.get(page("account", 999_999)).status_code == 404


def test_strangers_are_sent_to_the_login(client, db):
    assert client.get(page("contacts")).status_code == 302


def test_the_command_prints_the_figures(db, tmp_path, crm_files):
    from django.core.management import call_command

    path, out = tmp_path / "contacts.csv", io.StringIO()
    path.write_bytes(crm_files["crm-export-salesforce.csv"])

    call_command("import_contacts", str(path), stdout=out)

    lines = out.getvalue().splitlines()
    assert lines[:6] == ["rows: 3800", "created: 3787", "updated: 0", "unchanged: 0", "duplicates: 4", "rejected: 9"]
    assert "row 707 reject: unknown time zone" in lines
    assert "row 402 duplicate: same address as row 12" in lines


def test_the_command_takes_accounts_too(db, tmp_path):
    from django.core.management import call_command

    path, out = tmp_path / "accounts.csv", io.StringIO()
    path.write_text("Name,ID\nAcme,7\n,,\n,8\n")

    call_command("import_contacts", str(path), kind="accounts", stdout=out)

    assert out.getvalue().splitlines()[:2] == ["rows: 2", "created: 2"]


def test_the_command_fails_when_refused(db, tmp_path):
    from django.core.management import CommandError, call_command

    path = tmp_path / "picture.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")

    with pytest.raises(CommandError, match="a picture") as failed:
        call_command("import_contacts", str(path))
    assert failed.value.returncode == 1
