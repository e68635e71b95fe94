"""Faults I2 to I8 for every kind of file: whatever is in it, it is refused with words or taken as it is."""

import io
from time import perf_counter

import pytest
from openpyxl import Workbook

from crisiscomms.refusal import Refused
from stakeholders.imports import chunks, kinds, reading
from stakeholders.models import Account, ImportRow

KINDS = list(kinds.KINDS)
HEADER = "Email,Account Name,Region\n"
GOOD = "ada@x.example,Acme,EMEA\n"
HOSTILE = [
    "<script>alert(1)</script>",
    "{{ settings.SECRET_KEY }}",
    "=1+1",
    "\u202eemca",
    "\tx",
    "＝1",
    "'; DROP TABLE x; --",
]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def test_i2_too_many_rows_are_refused_while_reading_and_nothing_is_imported(kind, read, monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROWS", 20)
    monkeypatch.setattr(chunks, "CHUNK", 5)

    run = read(HEADER + "".join(f"p{n}@x.example,Acme {n},\n" for n in range(21)), kind=kind)

    assert (run.state, run.file.name) == ("refused", "")
    assert "more than 20 rows. Upload it in several files." in run.why_refused


@pytest.mark.parametrize("codec", ["utf-8-sig", "cp1252", "utf-16"])
def test_i3_names_come_out_right_in_every_encoding(codec, kind, bring):
    bring((HEADER + "zoe@x.example,Müller & Söhne,EMEA\n").encode(codec), kind=kind)

    assert Account.objects.get().name == "Müller & Söhne"


@pytest.mark.parametrize(
    "raw",
    [
        HEADER.encode() + GOOD.encode() + "b@x.example,Müller,\n".encode() + "c@x.example,Möller,\n".encode("cp1252"),
        (",".join(f"c{n}" for n in range(10_000)) + "\n").encode() + b"1\n",
        b"Email,Account Name\na@x.example,\x00\n",
        b"Email\n" + b"x" * 1_100_000,
        b"PK\x03\x04" + b"0" * 500,
    ],
    ids=["mixed", "10 000 columns", "NUL", "one endless line", "broken ZIP"],
)
def test_i3_i7_i8_a_broken_file_is_refused_at_once_with_words(raw, kind, read):
    started = perf_counter()

    with pytest.raises(Refused):
        read(raw, kind=kind)

    assert perf_counter() - started < 2


@pytest.mark.parametrize("sign", ["\r", "\n", "\u2028", "\x0b"])
def test_i5_a_line_break_in_a_cell_costs_that_row_only(sign, kind, read):
    run = read(f'{HEADER}{GOOD}ben@x.example,"Glo{sign}bex",\n', kind=kind)

    assert (run.created, run.rejected) == (1, 1)
    assert ImportRow.objects.get(run=run, outcome="reject").reason == "line break in account name"


def test_i6_hostile_names_are_stored_as_typed(kind, bring):
    rows = "".join(f'p{n}@x.example,"{text}",\n' for n, text in enumerate(HOSTILE))

    bring(HEADER + rows, kind=kind)

    assert set(Account.objects.values_list("name", flat=True)) == set(HOSTILE)


def test_a_lone_surrogate_in_a_workbook_costs_no_500(kind, read):
    book, file = Workbook(), io.BytesIO()
    book.active.append(["Email", "Account Name"])
    book.active.append(["ada@x.example", "Ac_xD83D_me"])
    book.save(file)

    assert read(file.getvalue(), "book.xlsx", kind=kind).state == "ready"
