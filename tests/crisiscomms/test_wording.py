"""The words for times and numbers. They are read under stress, so their edges matter."""

from datetime import UTC, datetime, timedelta

import pytest

from crisiscomms import wording

NOON = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)


def said(text: str) -> str:
    return text.replace(wording.NBSP, " ")


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        (timedelta(), "0 s"),
        (timedelta(seconds=42), "42 s"),
        (timedelta(minutes=38, seconds=59), "38 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=2, minutes=29), "2 h 29 min"),
        (timedelta(days=3, hours=4, minutes=50), "3 d 4 h"),
        (timedelta(days=3), "3 d"),
        (-timedelta(minutes=6), "6 min"),
    ],
)
def test_a_length_of_time_keeps_its_two_largest_units(delta: timedelta, expected: str) -> None:
    assert said(wording.in_words(delta)) == expected


def test_a_unit_does_not_part_from_its_number() -> None:
    assert wording.in_words(timedelta(minutes=90)) == "1\u00a0h 30\u00a0min"


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        (timedelta(days=3, hours=5), "in 3 d"),
        (timedelta(hours=47, minutes=59, seconds=30), "in 2 d"),
        (timedelta(hours=28), "in 1 d 4 h"),
        (timedelta(hours=1, minutes=51), "in 1 h 51 min"),
        (timedelta(minutes=20, seconds=1), "in 21 min"),
        (timedelta(minutes=2, seconds=1), "in 3 min"),
        (timedelta(minutes=2), "in 2:00"),
        (timedelta(seconds=9), "in 0:09"),
        (timedelta(), "in 0:00"),
        (-timedelta(seconds=42), "0:42 late"),
        (-timedelta(minutes=6, seconds=59), "6 min late"),
        (-timedelta(days=2, hours=3), "2 d 3 h late"),
    ],
)
def test_a_deadline_says_how_far_off_it_is(delta: timedelta, expected: str) -> None:
    assert said(wording.due_words(NOON + delta, NOON)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(901, "due"), (900, "soon"), (0, "soon"), (-1, "late"), (-100_000, "late")]
)
def test_soon_begins_with_the_first_warning_and_late_after_the_moment(seconds: int, expected: str) -> None:
    assert wording.due_state(NOON + timedelta(seconds=seconds), NOON, soon=900) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(0, "0:00"), (84, "1:24"), (3599, "59:59"), (4122, "1:08:42")])
def test_a_counter_has_hours_only_when_it_needs_them(seconds: int, expected: str) -> None:
    assert wording.digits(seconds) == expected


@pytest.mark.parametrize(
    ("minutes", "expected"), [(-4, "met, 4 min early"), (-0.5, "met on time"), (0, "met on time"), (6, "6 min late")]
)
def test_a_closed_deadline_says_how_it_was_kept(minutes: float, expected: str) -> None:
    assert said(wording.met_words(NOON + timedelta(minutes=minutes), NOON)) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(None, ""), (0, "0"), (999, "999"), (4212, "4\u202f212"), (1_204_000, "1\u202f204\u202f000")],
)
def test_long_numbers_stand_in_groups_of_three(number: int | None, expected: str) -> None:
    assert wording.thin(number) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Ada Thornquill", "AT"), ("Ada M. Thornquill", "AT"), ("ada", "A"), ("", ""), ("Zoë  – Åberg", "ZÅ")],
)
def test_initials_are_those_of_the_first_and_last_name(name: str, expected: str) -> None:
    assert wording.initials(name) == expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (60, "1 minute"), (90, "90 seconds"), (120, "2 minutes"), (3600, "1 hour")],
)
def test_a_chosen_length_of_time_is_said_whole(seconds, words):
    assert wording.exact_words(seconds) == words.replace(" ", "\u00a0")
