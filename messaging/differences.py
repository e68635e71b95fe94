"""What changed between two texts, in words: paragraphs first, words inside changed paragraphs (stack, traps)."""

import difflib
import re
from dataclasses import dataclass
from typing import Any

from messaging.content import PARTS, Content

# With its line break, so that the pieces put together are exactly the two texts.
LINE = re.compile(r"[^\n]*\n|[^\n]+")
WORD = re.compile(r"\s+|[^\s]+")
# Above this a paragraph is shown as replaced whole: matching is quadratic in words.
WORDS_LIMIT = 600
# The same bound for lines: many short ones that repeat are the worst case of the matcher.
LINES_LIMIT = 200


@dataclass(frozen=True)
class Piece:
    kind: str  # "same", "old" or "new"
    text: str


@dataclass(frozen=True)
class Change:
    label: str
    pieces: list[Piece]


LABELS = {
    "subject": "Subject",
    **{name: label.split(":")[0] for name, label in PARTS.items()},
    "public_title": "Status page title",
    "public_body": "Status page text",
}


def between(old: Content, new: Content) -> list[Change]:
    """Every field that differs, with its differences; empty when nothing does."""
    changes = [
        Change(label, words(getattr(old, name), getattr(new, name)))
        for name, label in LABELS.items()
        if getattr(old, name) != getattr(new, name)
    ]
    for label, before, after in _lists(old, new):
        if before != after:
            changes.append(Change(label, words(before, after)))
    return changes


def _lists(old: Content, new: Content) -> list[tuple[str, str, str]]:
    def dont(content: Content) -> str:
        return "\n".join(f"{item['text']} (instead: {item.get('instead', '')})" for item in content.dont_say)

    def plain(value: Any) -> str:
        return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)

    return [
        ("Say", "\n".join(old.say), "\n".join(new.say)),
        ("Don’t say", dont(old), dont(new)),
        ("Next update", old.next_update_at or "none", new.next_update_at or "none"),
        ("Channels", plain(old.channels), plain(new.channels)),
        ("Accounts", plain(old.kinds), plain(new.kinds)),
        ("Tiers", plain(old.tiers), plain(new.tiers)),
        ("Only affected", plain(old.affected_only), plain(new.affected_only)),
        ("Facts it rests on", _facts(old), _facts(new)),
        ("Why a part is missing", old.missing_reason, new.missing_reason),
    ]


def _facts(content: Content) -> str:
    used = content.facts.get("facts", {}).values()
    return "\n".join(f"{fact['label']}: {fact['value']} ({fact['confidence']})" for fact in used)


def words(old: str, new: str) -> list[Piece]:
    before, after = LINE.findall(old), LINE.findall(new)
    if len(before) + len(after) > LINES_LIMIT:
        return [Piece("old", old), Piece("new", new)]
    pieces: list[Piece] = []
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[a1:a2])))
        else:
            pieces += _inside("".join(before[a1:a2]), "".join(after[b1:b2]))
    return pieces


def _inside(old: str, new: str) -> list[Piece]:
    before, after = WORD.findall(old), WORD.findall(new)
    if len(before) + len(after) > WORDS_LIMIT:
        return [Piece("old", old), Piece("new", new)]
    pieces: list[Piece] = []
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[a1:a2])))
            continue
        if a2 > a1:
            pieces.append(Piece("old", "".join(before[a1:a2])))
        if b2 > b1:
            pieces.append(Piece("new", "".join(after[b1:b2])))
    return pieces
