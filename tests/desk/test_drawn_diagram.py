"""The diagram of affected components: layers from left to right, few crossings, no more than can be read."""

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.drawings import diagram, examples
from desk.drawings.rows import PartRow, Parts
from tests.desk import drawn
from tests.effort import effort

STATES = ["working", "maintenance", "degraded", "partial", "outage"]


def part(key, state="degraded", name=""):
    return PartRow(
        key, name or f"Part {key}", "Product", state, state.capitalize(), STATES.index(state), state != "working"
    )


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 40))
    rows = [part(key, draw(st.sampled_from(STATES))) for key in range(count)]
    keys = st.integers(0, count - 1)
    needs = draw(st.lists(st.tuples(keys, keys).filter(lambda pair: pair[0] != pair[1]), max_size=60))
    return Parts("Affected components", rows, needs)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_no_two_nodes_or_texts_stand_on_each_other(parts):
    picture = diagram.draw(parts)

    assert [pair for pair in combinations(picture.boxes, 2) if pair[0].meets(pair[1])] == []
    assert all(box.right <= picture.width and box.bottom <= picture.height for box in picture.boxes)
    assert picture.body.count('<rect class="node') <= diagram.MOST


@settings(max_examples=30, deadline=None)
@given(graphs(), st.randoms())
def test_it_is_the_same_whatever_order_the_rows_come_in(parts, turn):
    rows, needs = list(parts.parts), list(parts.needs)
    turn.shuffle(rows)
    turn.shuffle(needs)

    assert diagram.draw(Parts(parts.name, rows, needs)).body == diagram.draw(parts).body


def columns(parts):
    """Component name → column, from where its name is written."""
    picture = diagram.draw(parts)
    found = {}
    for shape in picture.shapes:
        if getattr(shape, "look", "") == "t-ink":
            found[shape.words] = int((shape.x - 12) // (diagram.NARROWEST + diagram.BETWEEN))
    return found


def test_what_customers_touch_is_left_of_what_it_needs():
    found = columns(examples.components())

    assert found["Checkout API"] == 0 and found["Payments core"] == 1 and found["EU database"] == 2


def test_a_circle_of_needs_is_drawn_all_the_same():
    assert len(columns(Parts("Round", [part(1), part(2), part(3)], [(1, 2), (2, 3), (3, 1)]))) == 3


def test_barycenters_untangle_what_can_be_untangled():
    before = [[1, 2, 3], [4, 5, 6]]
    edges = [(1, 6), (2, 5), (3, 4)]
    spots = {key: diagram._Spot(0 if key < 4 else 1, 144) for key in range(1, 7)}

    assert diagram.crossings(before, edges) == 3
    assert diagram.crossings(diagram._order(spots, edges), edges) == 0


def test_states_differ_in_shape_and_word_not_only_in_colour():
    body = diagram.draw(examples.components()).body

    for look in ("d-out", "d-half", "d-deg", "d-rest", "d-ok"):
        assert f'class="{look}"' in body
    for word in examples.WORDS.values():
        assert f">{word}<" in body


def test_a_need_of_what_fails_is_dashed():
    failing = Parts("One", [part(1, "working"), part(2, "outage")], [(1, 2)])
    fine = Parts("One", [part(1, "degraded"), part(2, "working")], [(1, 2)])

    assert 'class="edge-bad"' in diagram.draw(failing).body
    assert 'class="edge"' in diagram.draw(fine).body and "edge-bad" not in diagram.draw(fine).body


def test_the_worst_are_drawn_and_the_others_named():
    rows = [part(key, random.Random(key).choice(STATES[1:])) for key in range(60)]
    picture = diagram.draw(Parts("Many", rows, []))

    assert "and 36 more: " in picture.body and "Not drawn: 36 more." in picture.description
    shown, left_out = diagram.choose(Parts("Many", rows, []))
    assert min(one.rank for one in shown) >= max(one.rank for one in left_out)


def test_it_is_told_in_sentences():
    text = diagram.draw(examples.components()).description

    assert "EU database: down; needed by Payments core." in text
    assert "Beside them: Card gateway (working), Dashboard (working), Ledger (working)." in text


@pytest.mark.slow
def test_two_hundred_components_take_little_time():
    parts = drawn.many_parts()

    assert effort(lambda: diagram.draw(parts).body) < 1


def test_what_was_typed_is_inert_I6():
    picture = diagram.draw(Parts("<b>", [part(1, name='<script>alert("x")</script>\u202e')], []))

    assert "<script" not in picture.body and "\u202e" not in picture.body + picture.description
