"""How wide a text is drawn, before anything draws it: labels have to know where they end."""

import unicodedata
from functools import lru_cache

SIZE = 12
# Advances of IBM Plex Sans SemiBold in hundredths of an em, rounded up; Regular and the page's narrower cut need less.
_WIDTHS = {
    25: " \xa0",
    30: "',.ijl‘’",
    35: "!():;[]f·",
    40: "rt{|}",
    45: "-/I\\",
    50: '"?s°',
    55: "JLcgvxyz“”",
    65: "CPSVY#_",
    70: "ABDKRUX",
    75: "&GHNOQ",
    85: "Mw—",
    90: "@m…→",
    95: "W",
    100: "%",
    15: "\u2009\u202f",
}
_ADVANCE = {letter: width for width, letters in _WIDTHS.items() for letter in letters}
_OTHER_LATIN, _OTHER, _WIDE = 60, 80, 110
# Turn what stands after them around, or cannot stand in XML at all.
_TURNS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
ELLIPSIS = "…"


def clean(text: str, limit: int = 120) -> str:
    """Fit to be drawn: one line, nothing that turns the line around or that XML refuses, and not without end."""
    line = drawable(text[: limit * 4]).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + ELLIPSIS


def drawable(text: str) -> str:
    """Without what turns a line around or cannot stand in XML."""
    return text if text.isprintable() else "".join(_kept(letter) for letter in text)


def _kept(letter: str) -> str:
    if letter in _TURNS or letter in "\ufffe\uffff":
        return ""
    return " " if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") else letter


@lru_cache(maxsize=4096)
def width(text: str) -> float:
    """In px, never less than what is drawn of Latin texts."""
    return sum(_advance(letter) for letter in text) * SIZE / 100


def _advance(letter: str) -> int:
    found = _ADVANCE.get(letter)
    if found is not None:
        return found
    if letter < "\x7f":
        return _OTHER_LATIN
    if unicodedata.east_asian_width(letter) in "WF":
        return _WIDE
    base = unicodedata.normalize("NFD", letter)[0]
    return _ADVANCE.get(base, _OTHER_LATIN) if base < "\x7f" else _OTHER


def fit(text: str, room: float) -> str:
    """The text, or its beginning with an ellipsis, in this many px; "" when not even five letters have room."""
    if width(text) <= room:
        return text
    left = room - width(ELLIPSIS)
    count = 0
    for letter in text:
        left -= width(letter)
        if left < 0:
            break
        count += 1
    return text[:count].rstrip() + ELLIPSIS if count >= 5 else ""
