"""What an import does the quick way for nearly every row is what the careful way would have done."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stakeholders import actions, addresses
from stakeholders.imports import accounts, applying, chunks, contacts, kinds, running
from stakeholders.imports.rows import Reader
from stakeholders.models import Account, Contact, ImportChange, ImportRow, Membership

ODD_CELLS = [
    *(
        "",
        " ",
        "\t",
        "\u00a0",
        " \u00a0x\u00a0",
        "\u2028",
        "a\tb",
        "\ta",
        "a\nb",
        "a\x00b",
        "\\N",
        "\\.",
        "TRUE",
        "yes",
    ),
    *("ada@x.example", "Ada@X.example ", "ada@straße.example", "nobody", "x@x.example,y@x.example", "ada@x\u200b"),
    *(
        "customer",
        "Lead",
        "other",
        "tier 1",
        "1",
        "2",
        "standard",
        "1.200,50 EUR",
        "-1",
        "API; Mail, API",
        ";",
        "a" * 41,
    ),
    *("a" * 300, "p" * 10_001, "english", "portuguese", "a language", "europe/berlin", "Mars", "é", "e\u0301"),
]
ODD = st.sampled_from(ODD_CELLS)
CELL = st.one_of(ODD, st.text(max_size=8), st.text("ab1@.;, -\t\u00a0é", max_size=12))
ADDRESS = st.one_of(
    ODD,
    st.text("aB1.@+-_' \t\x1c\u00a0\u200bé", max_size=20),
    st.builds("{}@{}.{}".format, *[st.text("aZ0.-ß", max_size=8)] * 3),
)


@pytest.mark.parametrize("kind", kinds.KINDS.values(), ids=kinds.KINDS)
@settings(deadline=None)
@given(data=st.data())
def test_a_row_says_the_same_read_quickly_or_cell_by_cell(kind, data):
    headers = [column.key for column in kind.columns]
    reader = Reader(kind, headers, {name: name for name in headers})
    width = st.sampled_from([len(headers)] * 8 + [len(headers) - 1, len(headers) + 1])

    # The second row meets what the reader remembers of the first.
    for cells in data.draw(st.lists(width.flatmap(lambda n: st.lists(CELL, min_size=n, max_size=n)), max_size=3)):
        sound = dict(zip(headers, cells, strict=False)) | {"email": "ada@x.example", "account_id": "7"}
        for row in (cells, [sound[name] for name in headers if name in sound]):
            assert reader.clean(row) == reader.clean(row) == reader.clean_odd(row)


@pytest.mark.parametrize("cell", ODD_CELLS)
@pytest.mark.parametrize("kind", kinds.KINDS.values(), ids=kinds.KINDS)
def test_one_odd_cell_in_a_sound_row_is_judged_the_same(kind, cell):
    headers = [column.key for column in kind.columns]
    sound = {"email": "ada@x.example", "account_id": "7"}

    for name in headers:
        row = [{**sound, name: cell}.get(each, "") for each in headers]
        reader = Reader(kind, headers, {each: each for each in headers})
        assert reader.clean(row) == reader.clean_odd(row), name


def test_a_row_with_another_number_of_cells_is_judged_the_same():
    reader = Reader(kinds.CONTACTS, ["Email", "First"], {"email": "Email", "first_name": "First"})

    rows = [["ada@x.example"], ["ada@x.example", "Ada", ""], ["ada@x.example", "Ada", "x"], []]
    assert [reader.clean(row).reason for row in rows] == [
        *("", "", "more cells than the file has columns", addresses.NO_ADDRESS),
    ]


def test_what_a_reader_remembers_of_a_column_is_bounded():
    reader = Reader(kinds.CONTACTS, ["Email", "First"], {"email": "Email", "first_name": "First"})

    for number in range(2_500):
        reader.clean([f"p{number}@x.example", "x" * 101])

    assert [len(known) for _, _, known in reader.plan] == [500, 0]


@settings(deadline=None)
@given(ADDRESS)
@example("ada@x.example\n")
@example("ADA@X.EXAMPLE")
@example("a@xn--a.example")
def test_an_address_is_known_alike_by_the_pattern_and_by_the_whole_rule(typed):
    assert _said(addresses.normalise, typed) == _said(addresses._normalise_odd, typed)
    assert addresses.bare(typed) == addresses._bare_odd(typed)


def _said(rule, typed):
    try:
        return rule(typed)
    except ValueError as error:
        return repr(error)


FACTS = st.fixed_dictionaries(
    {"id": st.sampled_from(["", "7"]), "name": st.just("Acme"), "key": st.just("acme")},
    optional={
        "called": st.sampled_from("ab"),
        "kind": st.sampled_from(sorted(accounts.STANDING)),
        "value": st.sampled_from("ab"),
        "products": st.just(["API"]),
        "tier": st.integers(1, 3),
    },
)


@given(st.lists(FACTS, max_size=6))
@example(
    [
        {"id": "7", "name": "Acme", "key": "acme", **more}
        for more in ({"kind": "customer"}, {"value": "a"}, {"kind": "prospect", "value": "b"})
    ]
)
def test_the_first_word_about_an_account_counts_and_its_standing_only_rises(rows):
    said, told, standing = accounts.Said(), {}, {}

    for facts in rows:
        seen, was = told.setdefault(facts["id"], set()), standing.get(facts["id"], -1)
        now = accounts.STANDING[facts["kind"]] if "kind" in facts else -1
        news = {key: value for key, value in facts.items() if key not in seen and (key != "kind" or now > was)}
        seen |= facts.keys() - {"id", "name", "key", "kind"}
        standing[facts["id"]] = max(was, now)

        assert said.take({"account": dict(facts)}) == {"account": news}


def test_signs_that_copy_reads_otherwise_arrive_as_typed(read):
    signs = ['C:\\new\\table "x"', "\\N", "\\.", "a\tb", "{}\\"]

    run = read(
        "ID,Name\n" + "".join('"{0}","{0}"\n'.format(text.replace('"', '""')) for text in signs), kind="accounts"
    )

    staged = [
        (row.key, row.data["account"]["id"], row.data["account"]["name"]) for row in run.staged.order_by("number")
    ]
    assert staged == [(f"id:{text}", text, text) for text in signs]


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [0, 60], ids=["a bell for each piece", "in one go"])
def test_a_row_like_one_of_an_earlier_piece_says_which(seconds, now, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 2)
    text = "Email\nada@x.example\nben@x.example\nADA@x.example\ncleo@x.example\ncleo@x.example\nada@x.example\n"
    file = ContentFile(text.encode(), "contacts.csv")
    run = actions.start_import(file=file, name="contacts.csv", by=None, now=now, in_background=False)

    while running.work(run_id=run.pk, seconds=seconds):
        pass

    doubled = run.staged.filter(outcome="duplicate").order_by("number").values_list("number", "reason")
    assert list(doubled) == [(4, "same address as row 2"), (6, "same address as row 5"), (7, "same address as row 2")]


def test_whom_the_first_row_made_and_somebody_deleted_the_next_row_makes_again(read, now, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 1)
    run = read("Email,Account Name\nada@x.example,Acme\nada@x.example,Bolt\nada@x.example,Core\n")
    actions.apply_import(run_id=run.pk, by=None, now=now, in_background=False)
    run.refresh_from_db()
    applying.apply_chunk(run, now=now)
    Contact.objects.all().delete()
    monkeypatch.setattr(chunks, "CHUNK", 5)

    running.work(run_id=run.pk)

    assert Contact.objects.get().address == "ada@x.example"
    assert list(Membership.objects.order_by("pk").values_list("account__name", "is_main")) == [
        ("Bolt", True),
        ("Core", False),
    ]


def test_new_and_known_people_join_an_account_in_one_chunk(bring):
    bring("Email,Account Name\nada@x.example,Acme\nben@x.example,\n")

    run = bring("Email,Account Name\nada@x.example,Bolt\nben@x.example,Bolt\ncleo@x.example,Bolt\nada@x.example,Acme\n")

    places = Membership.objects.order_by("contact__address", "pk")
    assert list(places.values_list("contact__address", "account__name", "is_main")) == [
        ("ada@x.example", "Acme", True),
        ("ada@x.example", "Bolt", False),
        ("ben@x.example", "Bolt", True),
        ("cleo@x.example", "Bolt", True),
    ]
    assert ImportChange.objects.filter(run=run, thing="membership").count() == 3


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_whom_somebody_adds_at_this_moment_is_simply_there(read, now):
    run = read("Email,Account Name\nada@x.example,Acme\nben@x.example,Acme\n")
    actions.apply_import(run_id=run.pk, by=None, now=now, in_background=False)
    added, asked = Event(), Event()

    with ThreadPoolExecutor(1) as others:
        other = others.submit(_add_and_wait, "ben@x.example", now, added, asked)
        assert added.wait(10)
        with connection.execute_wrapper(_tell(asked)):
            running.work(run_id=run.pk)
        other.result()

    run.refresh_from_db()
    assert (run.state, Contact.objects.count(), Account.objects.count()) == ("done", 2, 1)
    assert Membership.objects.filter(is_main=True).count() == 2
    assert set(ImportChange.objects.filter(thing="contact").values_list("thing_id", flat=True)) == {
        Contact.objects.get(address="ada@x.example").pk
    }


def _add_and_wait(address, now, added, asked):
    """Hold a new contact uncommitted until the import is about to add the same one."""
    try:
        with transaction.atomic():
            Contact.objects.create(email=address, address=address, updated_at=now)
            added.set()
            asked.wait(10)
    finally:
        connection.close()


def _tell(asked):
    def watch(execute, sql, *rest):
        if sql == contacts._ADD:
            asked.set()
        return execute(sql, *rest)

    return watch


def test_of_a_row_that_is_taken_only_its_line_is_kept(monkeypatch, read):
    """Thousands of containers at once would set off Python's search for garbage, a quarter of the time of reading."""
    alive, most = [0], [0]

    class Counted(dict):
        def __init__(self, *values):
            super().__init__(*values)
            alive[0] += 1
            most[0] = max(most[0], alive[0])

        def __del__(self):
            alive[0] -= 1

    taken = accounts.Said.take
    monkeypatch.setattr(accounts.Said, "take", lambda self, data: Counted(taken(self, data)))

    read("Email\n" + "".join(f"p{number}@x.example\n" for number in range(50)))

    assert ImportRow.objects.count() == 50
    assert most[0] <= 2
