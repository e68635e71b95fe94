import io
import tracemalloc
import zipfile
from time import perf_counter

import pytest
from openpyxl import Workbook

from crisiscomms.refusal import Refused
from stakeholders.imports import kinds, mapping, reading, workbooks
from stakeholders.imports.rows import Reader

TEXT = "Email,First Name\nzoe@x.example,Zoë\nbjorn@x.example,Björn\n"
NAMES = [["zoe@x.example", "Zoë"], ["bjorn@x.example", "Björn"]]


def inspect(raw):
    return reading.inspect(io.BytesIO(raw))


def read(raw):
    file = io.BytesIO(raw)
    layout = reading.inspect(file)
    return list(reading.rows(file, encoding=layout.encoding, delimiter=layout.delimiter))


def workbook(*rows):
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def archive(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name.replace("__", "/"), content)
    return file.getvalue()


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_names_come_out_right_in_every_encoding(codec, line_end):
    assert [cells for _, cells in read(TEXT.replace("\n", line_end).encode(codec))] == NAMES


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_it_finds_the_delimiter(delimiter):
    raw = f'Email{delimiter}Note\na@x.example{delimiter}"1,5; or 2"\nb@x.example{delimiter}, ; ,\n'.encode()
    if delimiter in ",;":
        raw = raw.replace(b", ; ,", b"none")

    assert inspect(raw).delimiter == delimiter


def test_it_obeys_excels_own_hint():
    raw = b"sep=;\nEmail;A,B,C\na@x.example;1,2,3\n"

    assert read(raw) == [(2, ["a@x.example", "1,2,3"])]


def test_quotes_may_span_lines_and_blank_lines_keep_the_count():
    assert read(b'Email,Note\na@x.example,"one\n\ntwo"\n\n,,\nb@x.example,x\n') == [
        (2, ["a@x.example", "one\n\ntwo"]),
        (5, ["b@x.example", "x"]),
    ]


def test_a_single_column_is_a_list_of_addresses():
    assert [cells for _, cells in read(b"Email\na@x.example\nb@x.example\n")] == [["a@x.example"], ["b@x.example"]]


def test_a_workbook_gives_what_the_person_sees():
    raw = workbook(
        ["Email", "Phone", "Revenue", "Share", "Out"],
        ["a@x.example", 491234, 46000.0, 1.5, True],
        [],
        ["b@x.example", None, 1.5, None, "=1+1"],
    )

    assert read(raw) == [
        (2, ["a@x.example", "491234", "46000", "1.5", "TRUE"]),
        (4, ["b@x.example", "", "1.5", "", ""]),
    ]


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)
BOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="old" sheetId="1" state="hidden" r:id="r2"/><sheet name="s" sheetId="2" r:id="r1"/></sheets></workbook>'
)
LINKS = '<Relationships><Relationship Id="r1" Target="worksheets/a.xml"/><Relationship Id="r2" Target="none.xml"/></Relationships>'


def crafted(rows, before=""):
    parts = {"[Content_Types].xml": "", "xl__workbook.xml": BOOK, "xl___rels__workbook.xml.rels": LINKS}
    return archive(
        **{key.replace("xl___rels", "xl/_rels"): part for key, part in parts.items()},
        **{"xl__worksheets__a.xml": before + SHEET.format(rows)},
    )


def inline(reference, text):
    return f'<c r="{reference}" t="inlineStr"><is><r><t>{text}</t></r><rPh><t>reading aid</t></rPh></is></c>'


HEAD = f'<row r="1">{inline("A1", "Email")}{inline("B1", "Name")}</row>'


def test_a_workbook_from_another_program_is_read_as_it_looks():
    raw = crafted(
        f'{HEAD}<row r="3">{inline("A3", "a@x.example_x000D_")}<c r="B3"><v>4.9123456789E+11</v></c></row>'
        f'<row><c t="str"><v>b@x.example</v></c><c t="e"><v>#N/A</v></c></row>'
    )

    assert read(raw) == [(3, ["a@x.example\r", "491234567890"]), (4, ["b@x.example", "#N/A"])]


@pytest.mark.parametrize(
    ("rows", "before", "words"),
    [
        (f'{HEAD}<row r="999999999">{inline("A2", "x")}</row>', "", "damaged"),
        (f'{HEAD}<row r="1">{inline("A1", "x")}</row>', "", "damaged"),
        (f'{HEAD}<row r="2"><c r="A2" t="s"><v>7</v></c></row>', "", "damaged"),
        (f'{HEAD}<row r="2">{inline("XFD2", "x")}</row>', "", "more than 300 cells"),
        (f'<row r="1">{inline("A1", "Email")}{inline("XFD1", "x")}</row>', "", "more than 300 columns"),
        (f'{HEAD}<row r="2">{inline("A2", "x" * 10_001)}</row>', "", "Row 2 has a cell"),
        (f'{HEAD}<row r="2">{inline("A2", "&a;")}</row>', '<!DOCTYPE x [<!ENTITY a "x">]>', "damaged"),
        (HEAD, "", "no rows"),
    ],
    ids=range(8),
)
def test_a_crafted_workbook_is_refused(rows, before, words):
    with pytest.raises(Refused, match=words):
        read(crafted(rows, before))


def with_texts(texts, rows):
    shared = f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{texts}</sst>'
    file = io.BytesIO(crafted(rows))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/sharedStrings.xml", shared)
    return file.getvalue()


def test_a_small_file_does_not_become_a_large_cell():
    """A million letters that one cell takes fifty times, and another as often as they come."""
    large = with_texts(f"<si><t>{'x' * 1_000_000}</t></si>", f'<row r="1"><c r="A1" t="s">{"<v>0</v>" * 50}</c></row>')
    many = crafted(f'<row r="1"><c r="A1" t="str">{"<v>xxxxxxxxxx</v>" * 50_000}</c></row>')

    for raw in (large, many):
        tracemalloc.start()
        with pytest.raises(Refused, match="longer than 200 characters"):
            inspect(raw)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8_000_000


@pytest.mark.parametrize(
    "rows", ['<row r="1">' + "<c/>" * 1_100_000 + "</row>", " " * 21_000_000], ids=["tags", "bytes"]
)
def test_a_look_ends_where_a_person_would_wait_too_long(rows):
    with pytest.raises(Refused, match="Save it as CSV"):
        inspect(crafted(rows))


def test_a_look_reads_no_more_texts_than_the_first_rows_name():
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>{n - 1}</v></c></row>' for n in (1, 2))
    texts = "<si><t>Email</t></si><si><t>a@x.example</t></si>"

    assert inspect(with_texts(texts + "<si/>" * 1_100_000, rows)).samples == [["a@x.example"]]


def test_a_workbook_that_takes_all_memory_is_refused_with_words(monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(workbooks, "_first_sheet", fail)

    with pytest.raises(Refused, match="damaged"):
        inspect(crafted(HEAD))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"\n\n  \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"Email,First Name\n", "no rows"),
        (b"a@x.example,Ada\nb@x.example,Ben\n", "not a row of column names"),
        (b"Email,Name,email\na@x.example,A,b@x.example\n", "Two columns are called “email”"),
        (",".join(f"c{n}" for n in range(301)).encode() + b"\na\n", "more than 300 columns"),
        (",".join(f"c{n}" for n in range(10_000)).encode() + b"\na\n", "more than 300 columns"),
        (b"Email,Name\na@x.example,A\x00B\n", "NUL"),
        (TEXT.replace("Zoë", "Zo\x00ë").encode("utf-16"), "NUL"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "a picture"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old or password-protected"),
        (b"<!DOCTYPE html><table>", "a web page"),
        (b"PK\x03\x04 not really", "damaged"),
        (archive(**{"contacts.csv": TEXT}), "ZIP archive"),
        (archive(**{"[Content_Types].xml": "x", "xl__workbook.xml": "y"}), "damaged"),
        (archive(**{"[Content_Types].xml": "x", "xl__workbook.xml": "0" * 320_000_000}), "unpacks to more"),
        (
            archive(**{"[Content_Types].xml": "", "xl__workbook.xml": "", "xl__sharedStrings.xml": "0" * 45_000_000}),
            "unpacks",
        ),
        (workbook(["Email", "Email"], ["a@x.example", ""]), "Two columns"),
        (TEXT.encode() + "ren@x.example,René\n".encode("cp1252"), "mixes two encodings \\(line 4"),
        (b"Email,Name\na@x.example,\x81\x8d\x90\n", "cannot be read"),
        (TEXT.encode("utf-16")[:-1], "cannot be read"),
        (TEXT.encode("utf-32"), "UTF-32"),
        (b"Email\n" + b"x" * 1_100_000, "not a table"),
    ],
    # A file of a megabyte is no name for a test.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_refuses_before_anything_is_kept(raw, words):
    started = perf_counter()

    with pytest.raises(Refused, match=words):
        inspect(raw)

    assert perf_counter() - started < 1


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"Email\n" + b"a@x.example\n" * 200_001, "more than 200.000 rows"),
        (b"Email,Note\na@x.example,1\na@x.example,2\na@x.example,2\nb@x.example," + b"x" * 10_001, "Row 5 has a cell"),
        (b"Email,Note\n" + b"a@x.example,1\n" * 9 + b'a@x.example,"' + b"x\n" * 90_000, "quotation mark"),
        (b"Email\n" + b"a@x.example\n" * 5 + b"," * 300 + b"x\n", "more than 300 cells"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_limits_hold_while_reading(raw, words):
    with pytest.raises(Refused, match=words):
        read(raw)


def test_western_text_with_chance_pairs_is_still_western():
    raw = ("Email,Name\n" + "a@x.example,Müller é è ü\n" * 20 + "b@x.example,GRÖ“\n").encode("cp1252")

    assert read(raw)[-1][1][1] == "GRÖ“"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["Email", "HasOptedOutOfEmail"], {"email": "Email", "opt_out": "HasOptedOutOfEmail"}),
        (["E-Mail", "Job Title"], {"email": "E-Mail", "title": "Job Title"}),
        (["Record ID", "Email Address"], {"contact_id": "Record ID", "email": "Email Address"}),
        (["Company Owner", "MAIL"], {"owner_email": "Company Owner", "email": "MAIL"}),
        (["Nothing", "Known"], {}),
    ],
)
def test_it_proposes_what_columns_mean(headers, expected):
    assert mapping.by_name(kinds.CONTACTS, headers) == expected


def clean(**cells):
    headers = list(cells)
    return Reader(kinds.CONTACTS, headers, {key: key for key in headers}).clean(list(cells.values()))


@pytest.mark.parametrize(
    ("field", "typed", "reason"),
    [
        ("time_zone", "Mars/Olympus", "unknown time zone"),
        ("revenue", "1.2M?", "revenue is not a number"),
        ("revenue", "NaN", "revenue is not a number"),
        ("revenue", "1e9", "revenue is not a number"),
        ("revenue", "1,23,4", "revenue is not a number"),
        ("revenue", "9" * 16, "revenue is too large a number"),
        ("opt_out", "maybe", "marketing opt-out is neither yes nor no"),
        ("first_name", "x" * 121, "first name is longer than 120 characters"),
        ("first_name", "Ada\nBcc: x", "line break in first name"),
        ("last_name", "Love\u2028lace", "line break in last name"),
        ("title", "CTO\x00", "NUL character in job title"),
        ("language", "a language that nobody knows", "unknown language"),
        ("products", ";".join(f"p{n}" for n in range(51)), "more than 50 products"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(field, typed, reason):
    assert clean(email="a@x.example", account_name="Acme", **{field: typed}).reason == reason


def test_a_row_with_more_cells_than_columns_is_not_taken():
    row = Reader(kinds.CONTACTS, ["email"], {"email": "email"}).clean(["a@x.example", "x"])

    assert row.reason == "more cells than the file has columns"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("46000", "46000.00"),
        ("46,000", "46000.00"),
        ("46.000", "46000.00"),
        ("1,200,000.50", "1200000.50"),
        ("1.200.000,50", "1200000.50"),
        ("1 200 000", "1200000.00"),
        ("€ 12,5", "12.50"),
        ("USD 99.95", "99.95"),
        ("0.125", "0.12"),
    ],
)
def test_it_reads_numbers_as_people_write_them(typed, number):
    assert clean(email="a@x.example", account_name="Acme", revenue=typed).data["account"]["revenue"] == number


@pytest.mark.parametrize("typed", ["=1+1", "+49 1", "-x", "@x", "\tx", "＝1", "{{ x }}", "<b>", "\u202egnp.exe"])
def test_a_hostile_cell_is_stored_as_typed(typed):
    row = clean(email="a@x.example", title=typed)

    assert (row.reason, row.data["title"]) == ("", typed)
