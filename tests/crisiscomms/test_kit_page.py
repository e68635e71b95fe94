"""The page for builders: its parts work as they do on the real pages."""

import re
from datetime import timedelta

from django.conf import settings
from django.test import Client

from crisiscomms import clock
from crisiscomms.templatetags import kit
from tests import factories
from tests.conftest import NOW
from tests.page_rules import check_page
from tests.visits import BACKEND


def test_a_form_sent_empty_comes_back_with_every_error_in_its_place(olga, browse):
    response = browse(olga, "/kit/", {"line": "kept"})
    page = response.content.decode()

    assert response.status_code == 422 and 'value="kept"' in page
    for name in ("reason", "number", "severity", "channel", "tiers", "agreed"):
        assert f'id="id_{name}_error"' in page


def test_a_table_asked_wrongly_answers_in_words(olga, browse):
    assert b"cannot be sorted" in browse(olga, "/kit/?sort=nonsense").content
    assert b"Nothing like this" in browse(olga, "/kit/?q=nobody-like-this").content


def test_a_press_says_what_happened_on_the_next_page(olga):
    client = Client()
    client.force_login(olga, backend=BACKEND)

    page = client.post("/kit/", {"press": "error"}, follow=True)

    check_page(page)
    assert b"Not sent: the mail relay" in page.content


def test_progress_counts_up_answers_nothing_new_and_stops(olga):
    client = Client()
    client.force_login(olga, backend=BACKEND)
    client.post("/kit/", {"press": "begin"})

    with clock.at(NOW + timedelta(seconds=2)):
        going = client.get("/kit/progress/").content.decode()
        mark = going.split('If-None-Match": "')[1].split('"')[0]
        same = client.get("/kit/progress/", headers={"If-None-Match": mark})
    with clock.at(NOW + timedelta(seconds=30)):
        over = client.get("/kit/progress/").content.decode()

    assert "800 of" in going and same.status_code == 304
    assert "hx-get" not in over and "rows read" in over


SHARED = ("marks", "lists", "tables", "charts", "notes", "controls", "forms", "overlays", "palette")
# Parts of the frame that stands around every page, and cells that belong to one table.
NOT_SHOWN = {
    "head.html",
    "head_inside.html",
    "logo.html",
    "nav.html",
    "self.html",
    "setup_tabs.html",
    "setup_next.html",
}
ONE_PAGE = {"cc-logo-shown", "cc-svg-mentions"}


def shown(olga):
    client = Client()
    client.force_login(olga, backend=BACKEND)
    client.post("/kit/", {"press": "begin"})
    client.post("/kit/", {"press": "info"})
    return client.get("/kit/")


def shown_wrong(olga):
    client = Client()
    client.force_login(olga, backend=BACKEND)
    return client.post("/kit/", {"line": "x"})


def test_every_part_of_the_kit_is_on_its_page(olga):
    folder = settings.BASE_DIR / "templates" / "crisiscomms"
    parts = {path.name for path in folder.glob("*.html") if "{% extends" not in path.read_text()}
    families = {f"crisiscomms/kit/{path.name}" for path in (folder / "kit").glob("*.html")}
    wanted = {f"crisiscomms/{name}" for name in parts - NOT_SHOWN if not name.endswith("_cells.html")}

    drawn = {template.name for template in shown(olga).templates}

    assert (wanted | families) - drawn - {"crisiscomms/form_errors.html"} == set()
    assert "crisiscomms/form_errors.html" in {one.name for one in shown_wrong(olga).templates}


def test_every_tag_of_the_kit_is_used_on_its_page():
    folder = settings.BASE_DIR / "templates" / "crisiscomms"
    text = "".join(path.read_text() for path in [*(folder / "kit").glob("*.html"), *folder.glob("table*.html")])
    used = set(re.findall(r"{%\s*(\w+)", text)) | set(re.findall(r"\|(\w+)", text))

    assert {*kit.register.tags, *kit.register.filters} - used - {"setup_tabs", "setup_next", "as_json"} == set()


def test_every_class_of_the_shared_sheets_that_a_page_uses_is_on_the_page_of_the_kit(olga):
    sheets = settings.BASE_DIR / "crisiscomms" / "static" / "crisiscomms" / "css"
    known = {
        name for sheet in SHARED for name in re.findall(r"\.(cc-[a-z0-9-]+)", (sheets / f"{sheet}.css").read_text())
    }
    pages = (path for path in (settings.BASE_DIR / "templates").rglob("*.html") if path.parent.name != "kit")
    used = {name for path in pages for name in re.findall(r"\bcc-[a-z0-9-]+", path.read_text())}

    for number in range(6):
        factories.make_user(f"person{number}", roles=["sales"])
    html = (shown(olga).content + shown_wrong(olga).content).decode()

    assert (known & used) - set(re.findall(r"\bcc-[a-z0-9-]+", html)) - ONE_PAGE == set()
