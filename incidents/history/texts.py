"""The words of another page's HTML, as plain text that can do no harm anywhere."""

import html
import re

import nh3

# What begins a new line for a reader. Everything else that looks like a tag is taken out.
LINES = re.compile(r"<\s*(?:br|/p|/div|/h[1-6]|/tr|/ul|/ol)\b[^<>]{0,200}>", re.IGNORECASE)
ITEMS = re.compile(r"<\s*li\b[^<>]{0,200}>", re.IGNORECASE)
# Control characters, half surrogate pairs that no database takes, and invisible signs that turn text around.
HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
BLANK_LINES = re.compile(r"\n\s*\n\s*")


def plain(source: str) -> str:
    """HTML to plain text: lines and list items stay, tags, scripts and hidden characters go."""
    words = HARMFUL.sub("", source.replace("\r\n", "\n").replace("\r", "\n"))
    words = ITEMS.sub("\n- ", LINES.sub("\n", words))
    words = html.unescape(nh3.clean(words, tags=set()))
    return BLANK_LINES.sub("\n\n", HARMFUL.sub("", words)).strip()


def line(source: str, limit: int) -> str:
    """The same on one line, cut where it is too long."""
    words = " ".join(plain(source).split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"
