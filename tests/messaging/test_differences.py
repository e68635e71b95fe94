"""What changed, in words."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging import differences
from tests import factories
from tests.messaging.test_drafts import CHANGED


def sides(pieces: list[differences.Piece]) -> tuple[str, str]:
    """The old and the new text, put together again from the pieces."""
    old = "".join(piece.text for piece in pieces if piece.kind != "new")
    new = "".join(piece.text for piece in pieces if piece.kind != "old")
    return old, new


def test_only_the_changed_words_of_a_sentence_are_marked():
    pieces = differences.words("Some payments fail since noon.", "Some payments failed since noon.")

    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("same", "Some payments "),
        ("old", "fail"),
        ("new", "failed"),
        ("same", " since noon."),
    ]


def test_the_same_text_has_no_differences():
    content = factories.make_content()

    assert differences.between(content, replace(content)) == []


@pytest.mark.parametrize("name", CHANGED)
def test_a_change_of_any_field_is_shown_once(name):
    content = factories.make_content()

    changes = differences.between(content, replace(content, **{name: CHANGED[name]}))

    assert len(changes) == 1
    assert {"old", "new"} & {piece.kind for piece in changes[0].pieces}


def test_a_paragraph_put_in_leaves_the_others_unmarked():
    pieces = differences.words("First.\n\nLast.", "First.\n\nBetween.\n\nLast.")

    assert "".join(piece.text for piece in pieces if piece.kind == "new").strip() == "Between."
    assert all(piece.kind != "old" or not piece.text.strip() for piece in pieces)


def test_two_long_texts_are_compared_quickly():
    old = " ".join(f"word{n}" for n in range(4_000))
    begun = time.process_time()

    pieces = differences.words(old, old.replace("word2000", "other"))

    assert time.process_time() - begun < 1
    assert sides(pieces)[1] == old.replace("word2000", "other")


@given(st.text(alphabet="ab .\n", max_size=40), st.text(alphabet="ab .\n", max_size=40))
def test_the_pieces_always_give_both_texts_back(old, new):
    assert sides(differences.words(old, new)) == (old, new)
