import csv
import io

import pytest
from django.urls import reverse

from crisiscomms.exports import csv_lines, defuse
from crisiscomms.models import AuditEvent

HEADER = "Email,First Name,Last Name,Job Title,Phone\n"


@pytest.mark.parametrize("start", [*"=+-@|%\t\r\n\x00＝＋－＠ ", "  =", "\x00=", "\u00a0="])
def test_a_cell_that_a_spreadsheet_would_run_is_defused(start):
    assert defuse(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("cell", ["Ada", "a=b", "O'Brien", "", "1", "José"])
def test_harmless_cells_stay(cell):
    assert defuse(cell) == cell


def test_nothing_becomes_blank_and_numbers_text():
    assert (defuse(None), defuse(0), defuse(-1)) == ("", "0", "'-1")


def test_lines_survive_quotes_and_breaks():
    text = "".join(csv_lines([["a\nb", 'c"d', "e,f"]]))

    assert list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))) == [["a\nb", 'c"d', "e,f"]]


def test_the_export_is_neutral_and_recorded(client, ada, bring):
    bring(HEADER + 'eve@x.example,"=HYPERLINK(""http://evil.example"")",＝1,@SUM,+491\n')
    client.force_login(ada)

    text = client.get(reverse("stakeholders:export")).getvalue().decode()

    row = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))[1]
    assert row[:5] == ["eve@x.example", '\'=HYPERLINK("http://evil.example")', "'＝1", "'@SUM", "'+491"]
    assert AuditEvent.objects.filter(verb="contacts.exported", actor=ada).exists()
