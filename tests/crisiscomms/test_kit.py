"""The page kit draws every mark the same way, and every mark that a page names exists."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.template import Context, Template, TemplateSyntaxError
from django.utils import timezone

from crisiscomms.templatetags import kit
from desk import queries

NOON = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)
SPRITE = (settings.BASE_DIR / "crisiscomms/static/crisiscomms/icons.svg").read_text()
DRAWN = set(re.findall(r'id="([gi]-[\w-]+)"', SPRITE))


def render(source, **context):
    return Template("{% load kit %}" + source).render(Context(context))


def named(tag, prefix):
    pages = "".join(path.read_text() for path in (settings.BASE_DIR / "templates").rglob("*.html"))
    return {prefix + name for name in re.findall(rf'{{%\s*{tag}\s+"([\w-]+)"', pages)}


def test_every_mark_that_a_page_or_the_kit_names_is_drawn():
    wanted = named("icon", "i-") | named("glyph", "g-")
    wanted |= {f"g-{shape}" for shape, _ in kit.SEVERITIES.values()} | {f"g-{one}" for one in kit.DUE_GLYPHS.values()}
    looks = [*queries.DISPATCH_LOOKS.values(), *queries.MESSAGE_LOOKS.values()]
    wanted |= {f"g-{glyph}" for glyph, _, _ in looks}

    assert len(wanted) > 30 and wanted - DRAWN == set()


def test_an_icon_beside_words_is_silent_and_one_alone_speaks():
    assert 'aria-hidden="true"' in render('{% icon "mail" %}')
    assert 'role="img" aria-label="Copy &lt;b&gt;"' in render('{% icon "copy" label=words %}', words="Copy <b>")


@pytest.mark.parametrize(("level", "word"), [("critical", "Critical"), ("major", "Major"), ("minor", "Minor")])
def test_a_severity_is_shape_and_word(level, word):
    assert word in render("{% severity level %}", level=level) and "#g-sev" in render(
        "{% severity level %}", level=level
    )
    assert word in render("{% severity_glyph level %}", level=level)


def test_an_unknown_severity_is_a_plain_inert_tag():
    assert render("{% severity level %}", level="<i>") == '<span class="cc-tag">&lt;i&gt;</span>'


@pytest.mark.parametrize(
    ("minutes", "state", "words"),
    [
        (60, "due", "in 1 h"),
        (14, "soon", "in 14 min"),
        (1.7, "soon", "in 1:42"),
        (0, "soon", "in 0:00"),
        (-0.5, "late", "0:30 late"),
        (-6, "late", "6 min late"),
    ],
)
def test_a_deadline_says_how_far_off_it_is(minutes, state, words):
    due = NOON + timedelta(minutes=minutes)

    drawn = render("{% due at now %}", at=due, now=NOON).replace("\u00a0", " ")

    assert f'class="cc-due is-{state}"' in drawn and f">{words}</time>" in drawn
    assert f'data-cc-due="{due.isoformat()}"' in drawn


def test_no_deadline_draws_nothing():
    assert render("{% due nothing now %}", nothing=None, now=NOON) == ""


@pytest.mark.parametrize(
    ("state", "met", "words"),
    [
        ("met", -4, "met, 4 min early"),
        ("met", 0, "met on time"),
        ("met", 6, "6 min late"),
        ("waived", None, "waived"),
        ("missed", None, "1 h late"),
        ("pending", None, "in 1 h"),
    ],
)
def test_a_deadline_mark_knows_every_state(state, met, words):
    due = NOON + timedelta(hours=1) if state == "pending" else NOON - timedelta(hours=1)
    met_at = None if met is None else due + timedelta(minutes=met)
    deadline = SimpleNamespace(state=state, due_at=due, met_at=met_at)

    drawn = render("{% deadline_mark deadline now %}", deadline=deadline, now=NOON).replace("\u00a0", " ")

    assert words in drawn


def test_a_missed_deadline_that_is_open_counts_on():
    deadline = SimpleNamespace(state="missed", due_at=NOON - timedelta(minutes=6), met_at=None)

    drawn = render("{% deadline_mark deadline now %}", deadline=deadline, now=NOON).replace("\u00a0", " ")

    assert "6 min late" in drawn and "data-cc-due" in drawn


def test_a_bar_adds_up_and_refuses_a_part_it_cannot_draw():
    drawn = render("{% bar 10 good=5 crit=9 %}")
    assert 'width="50.00"' in drawn and drawn.count('width="50.00"') == 2
    assert "<rect" not in render("{% bar 0 good=0 %}")

    with pytest.raises(TemplateSyntaxError, match="purple"):
        render("{% bar 10 purple=1 %}")


@pytest.mark.parametrize(
    ("zone", "clock", "name"),
    [("Europe/Berlin", "13:00", "CET"), ("Asia/Kolkata", "17:30", "IST"), ("America/Sao_Paulo", "09:00", "UTC-3")],
)
def test_times_are_in_the_readers_zone_with_its_name(zone, clock, name):
    with timezone.override(zone):
        assert render("{{ at|clock }} {{ at|zone }}", at=NOON) == f"{clock} {name}"


@pytest.mark.parametrize(("days", "words"), [(0, "12:00"), (2, "Thu 19 Nov, 12:00"), (365, "Wed 17 Nov 2027, 12:00")])
def test_another_day_is_named_and_another_year_too(days, words):
    assert render("{{ at|day_clock:now }}", at=NOON + timedelta(days=days), now=NOON) == words


@pytest.mark.parametrize(
    ("days", "words"),
    [(0, "12:00"), (1, "18 Nov<small>Wed 12:00</small>"), (365, "17 Nov 2027<small>Wed 12:00</small>")],
)
def test_a_row_of_a_timetable_begins_with_its_time_or_its_day(days, words):
    assert render("{{ at|timetable:now }}", at=NOON + timedelta(days=days), now=NOON) == words


def test_nothing_is_said_about_nothing():
    assert render("{{ x|clock }}{{ x|day_clock }}{{ x|zone }}{{ x|thin }}{{ x|span_words }}", x=None) == ""
