"""The drawn timeline: time in its place, labels that can be read, and no more than a picture holds."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.drawings import scale, texts, timeline, words
from desk.drawings.rows import ComingRow, ImpactRow, MilestoneRow, PhaseRow, PromiseRow, Scene, SentRow
from tests.desk import drawn
from tests.desk.drawn import BERLIN, NOW
from tests.effort import effort

EASY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
moments = st.integers(-100 * 24 * 60, 60 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))
past = st.integers(-60 * 24 * 60, 0).map(lambda minutes: NOW + timedelta(minutes=minutes))
labels = st.text(st.characters(codec="utf-8"), max_size=60)


@st.composite
def scenes(draw):
    def several(made):
        return draw(st.lists(made, max_size=8))

    spans = st.tuples(past, st.integers(1, 5000)).map(lambda one: (one[0], one[0] + timedelta(minutes=one[1])))
    return Scene(
        draw(labels),
        NOW,
        draw(st.sampled_from([BERLIN, ZoneInfo("America/St_Johns"), ZoneInfo("Asia/Kathmandu")])),
        is_over=draw(st.booleans()),
        phases=[PhaseRow(draw(labels), *span) for span in several(spans)],
        next_phase=draw(labels),
        impacts=[ImpactRow(draw(labels), draw(st.sampled_from(["outage", "degraded", "else"])), "Word", *span) for span in several(spans)],
        found_at=draw(st.none() | past),
        milestones=[MilestoneRow(draw(labels), at) for at in several(past)],
        sent=[SentRow(number, draw(labels), at, "9 people") for number, at in enumerate(several(past))],
        coming=[ComingRow(7, draw(labels), "by Ada", NOW + timedelta(minutes=9))] if draw(st.booleans()) else [],
        promises=[PromiseRow(draw(labels), at, draw(st.sampled_from(["pending", "met", "missed", "waived"])), None) for at in several(moments)],
    )  # fmt: skip


@EASY
@given(scenes())
def test_no_two_texts_stand_on_each_other_and_none_leaves_the_picture(scene):
    picture = timeline.draw(scene)

    assert [(one, two) for one, two in combinations(picture.boxes, 2) if one.meets(two)] == []
    for box in picture.boxes:
        assert box.left >= -0.1 and box.right <= picture.width + 0.1 and box.top >= 0 and box.bottom <= picture.height


@EASY
@given(st.lists(moments, min_size=1, max_size=40))
def test_what_is_later_never_stands_further_left(some):
    made = scale.make(some, 92, 1138)
    places = [made.x(at) for at in sorted([*some, *(at + timedelta(minutes=7) for at in some)])]

    assert all(one <= two + 1e-6 for one, two in pairwise(places))
    assert places[0] >= 92 and places[-1] <= 1138 + 1e-6 and len(made.pieces) <= scale.MAX_PIECES


@pytest.mark.parametrize("scene", [drawn.under_way, drawn.over_weeks, drawn.quiet, drawn.huge])
def test_the_same_scene_is_the_same_picture(scene):
    assert timeline.draw(scene()).body == timeline.draw(scene()).body


# Time


def ticks(begin, hours, zone, width=1000):
    piece = scale.Piece(begin, begin + timedelta(hours=hours), 0, width)
    return scale.Scale([piece]).ticks(ZoneInfo(zone))


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (timedelta(minutes=12), ["13:09", "13:10", "13:11"]),
        (timedelta(hours=7), ["13:30", "14:00", "14:30"]),
        (timedelta(hours=30), ["14:00", "16:00", "18:00"]),
        (timedelta(days=9), ["18 Nov", "19 Nov", "20 Nov"]),
        (timedelta(days=80), ["23 Nov", "30 Nov", "7 Dec"]),
        (timedelta(days=400), ["1 Jan 2027", "1 Apr", "1 Jul"]),
    ],
)
def test_ticks_follow_the_span_from_minutes_to_months(length, labels):
    found = ticks(NOW.replace(minute=9, hour=13), length / timedelta(hours=1), "UTC")

    assert [tick.label for tick in found[:3]] == labels
    assert all(two.x - one.x >= 40 for one, two in pairwise(found))


def test_the_hour_that_comes_twice_has_two_ticks_and_the_skipped_one_none():
    autumn = [tick.label for tick in ticks(datetime(2026, 10, 24, 23, tzinfo=UTC), 6, "Europe/Berlin", 500)]
    spring = [tick.label for tick in ticks(datetime(2026, 3, 28, 23, tzinfo=UTC), 6, "Europe/Berlin", 500)]

    assert autumn == ["01:00", "02:00", "02:00", "03:00", "04:00", "05:00", "06:00"][: len(autumn)]
    assert "02:00" not in spring and {"01:00", "03:00"} <= set(spring)


def test_ticks_are_round_on_the_wall_clock_where_clocks_move_by_half_an_hour():
    found = ticks(datetime(2026, 4, 4, 10, tzinfo=UTC), 20, "Australia/Lord_Howe", 1000)

    assert all(tick.at.astimezone(ZoneInfo("Australia/Lord_Howe")).minute == 0 for tick in found)
    assert len({tick.at for tick in found}) == len(found) >= 8


def test_days_begin_where_the_day_does_also_without_a_midnight():
    beirut = ZoneInfo("Asia/Beirut")  # On 29 March 2026 the clocks went from 00:00 to 01:00.

    assert scale.begin_of(date(2026, 3, 29), beirut).astimezone(beirut).date().day == 29


def test_silences_are_folded_and_say_how_long_they_were():
    picture = timeline.draw(drawn.over_weeks())

    assert picture.body.count('class="tear"') == 4
    assert ">24 d<" in picture.body
    assert 'class="tear"' not in timeline.draw(drawn.under_way()).body


def test_the_zone_names_tell_of_a_change_of_clocks():
    begin = datetime(2026, 10, 24, 20, tzinfo=UTC)
    scene = Scene("Night", begin + timedelta(hours=8), BERLIN, phases=[PhaseRow("Management", begin)])

    assert timeline.draw(scene).span.endswith("CEST and CET")


# What is said


def said(picture):
    """Every text of a picture, a line each, in reading order."""
    found = re.findall(r"<text[^>]*>(.*?)</text>", picture.body)
    return [re.sub(r"<[^>]+>", "", one) for one in found]


def test_a_scene_under_way_says_what_the_reference_picture_says():
    assert said(timeline.draw(drawn.under_way())) == GOLDEN_UNDER_WAY


def test_a_scene_over_weeks_says_the_first_day_in_full():
    assert said(timeline.draw(drawn.over_weeks())) == GOLDEN_OVER_WEEKS


def test_each_state_of_a_deadline_has_a_shape_of_its_own():
    body = timeline.draw(drawn.under_way()).body

    looks = {look: body.count(f'class="{look}"') for look in ("m-good", "m-crit", "m-strike", "m-due", "m-open")}
    assert looks == {"m-good": 3, "m-crit": 1, "m-strike": 1, "m-due": 1, "m-open": 2}
    assert '<rect class="m-crit"' in body and '<circle class="m-good"' in body


def test_what_comes_is_dashed_and_what_was_is_shaded_up_to_now():
    picture = timeline.draw(drawn.under_way())

    past = re.search(r'class="past" x="92" y="[\d.]+" width="([\d.]+)"', picture.body)
    assert float(past.group(1)) == pytest.approx(picture.now_x - 92, abs=0.1)
    assert 'class="band-next"' in picture.body and 'class="now"' in picture.body


def test_one_that_is_over_has_no_now():
    scene = Scene(
        "Over",
        NOW,
        BERLIN,
        is_over=True,
        phases=[PhaseRow("Management", NOW - timedelta(days=9), NOW - timedelta(days=8))],
    )
    picture = timeline.draw(scene)

    assert picture.now_x is None and 'class="now"' not in picture.body and "now" not in picture.body


def test_a_description_tells_it_in_sentences_and_counts_what_is_much():
    text = timeline.draw(drawn.under_way()).description
    assert "Missed: Executive brief 13:00, 11 min late." in text
    assert "Sent: 1 Acknowledgement 11:30; 2 Root cause 12:26; 3 Workaround 13:24." in text

    assert "and 488 more" in words.description(drawn.huge()) and len(words.description(drawn.huge())) <= 2400


def test_the_table_has_all_of_it_in_order_of_time():
    scene = drawn.under_way()
    lines = words.table(scene)

    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert len(lines) == 1 + 2 + 2 + 3 + 3 + 1 + 7


# Bounds and bad input


@pytest.mark.slow
def test_a_huge_scene_is_summed_up_in_little_time():
    scene = drawn.huge()
    picture = timeline.draw(scene)

    assert len(picture.shapes) < 400 and picture.height < 700
    assert "194 more components were affected" in picture.body
    assert effort(lambda: timeline.draw(scene).body) < 1.43  # a tenth of a second where bounds were set


def test_what_was_typed_is_inert_I6():
    bad = "</title></svg><script>alert(1)</script>\u202e\u0000\x1b&\"'"
    scene = Scene(bad, NOW, BERLIN, phases=[PhaseRow(bad, NOW - timedelta(hours=5))],
                  impacts=[ImpactRow(bad, "outage", bad, NOW - timedelta(hours=4))],
                  sent=[SentRow(1, bad, NOW - timedelta(hours=2), bad)],
                  promises=[PromiseRow(bad, NOW - timedelta(hours=1), "missed")])  # fmt: skip
    picture = timeline.draw(scene)

    for text in (picture.body, picture.title, picture.description):
        assert not {"\u202e", "\x00", "\x1b"} & set(text)
    assert "<script" not in picture.body and "&lt;script&gt;" in picture.body


@EASY
@given(st.text(max_size=80), st.floats(0, 400))
def test_a_fitted_text_fits(text, room):
    fitted = texts.fit(texts.clean(text), room)

    assert texts.width(fitted) <= room or fitted == ""


# What the two scenes say, in the order in which it is drawn

GOLDEN_UNDER_WAY = [
    "14:09 now",
    "10:30",
    "11:00",
    "11:30",
    "12:00",
    "12:30",
    "13:00",
    "13:30",
    "14:30",
    "15:00",
    "Initial response, 42 min",
    "Management, 2 h 29 min so far",
    "Resolution: 2 of 4 criteria to go",
    "Phase",
    "Card payments: partial outage, 2 h 7 min",
    "Card payments: degraded",
    "Impact",
    "found",
    "10:52",
    "11:06 verified",
    "12:35 root cause identified",
    "12:48 mitigation in place",
    "Milestones",
    "1",
    "2",
    "3",
    "4",
    "Acknowledgement",
    "11:30, 3 410 people",
    "Root cause",
    "12:26, 4 174 people",
    "Workaround",
    "13:24, 4 212 people",
    "In approval",
    "2 of 3 have said yes",
    "Updates",
    "Acknowledge",
    "52 min early",
    "Update 2",
    "4 min early",
    "Executive brief",
    "11 min late",
    "Update 3",
    "6 min early",
    "Legal note",
    "waived",
    "Update 4",
    "due in 11 min",
    "Tier 1 calls",
    "due in 36 min",
    "Deadlines",
]
GOLDEN_OVER_WEEKS = [
    "14:09 now",
    "1 d",
    "2 d",
    "24 d",
    "16:00",
    "18:00",
    "20:00",
    "22:00",
    "16:00",
    "16:00",
    "Wed 14 Oct",
    "Fri 16 Oct",
    "Mon 19 Oct",
    "Fri 13 Nov",
    "Tue 17 Nov",
    "Management, 6 h 10 min",
    "Recovery, 32 d so far",
    "Closed",
    "Phase",
    "Down: Paymen…",
    "Payment notices: degraded, 5 h",
    "Ledger notices: degraded, 2 h",
    "Impact",
    "found",
    "15:14",
    "15:49 acknowledged and 1 more",
    "18:09 root cause identified",
    "21:39 mitigation in place",
    "Milestones",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "15:49",
    "16:59",
    "18:09",
    "19:19",
    "20:29",
    "21:39",
    "Resolved",
    "18:09, 2 102 people",
    "Updates",
    "Next update",
    "10 min early",
    "Next update",
    "10 min early",
    "Next update",
    "10 min early",
    "Next update",
    "10 min early",
    "Next update",
    "10 min early",
    "Explanation",
    "kept on time",
    "Safeguards",
    "kept on time",
    "Compensation",
    "4 d late",
    "Deadlines",
    "Later: Technical deep-dive, due 13 Dec, 14:09.",
]
