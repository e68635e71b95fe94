"""The words of signals: which values there are, what they are called, and how one is read from what came."""

import math
import re
from dataclasses import dataclass
from typing import Any

from crisiscomms.forms import HIDDEN_SIGNS

Value = float | str | bool
MOST_VALUES = 60
LONGEST = 200
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
NUMBER = re.compile(r"\s*([+-]?(?:\d{1,15}(?:\.\d{1,15})?|\.\d{1,15})(?:[eE][+-]?\d{1,2})?)\s*%?\s*", re.ASCII)
YES, NO = {"true", "yes", "1"}, {"false", "no", "0"}
# What a source calls the part that is meant.
PLACES = ("component", "components", "service", "product", "project", "job")


@dataclass(frozen=True)
class Number:
    """`said` puts a figure into words, with the limit it was held to."""

    label: str
    unit: str = ""
    said: str = "{label} {n} is {op} {limit}"


NUMBERS = {
    "error_rate": Number("Error rate", " %"),
    "accounts_affected": Number("Accounts affected", said="{n} accounts are affected, {op} {limit}"),
    "users_affected": Number("Users affected", said="{n} users are affected, {op} {limit}"),
    "tickets": Number("Tickets", said="{n} tickets, {op} {limit}"),
    "mentions": Number("Mentions", said="{n} mentions, {op} {limit}"),
    "latency_ms": Number("Answer time", " ms"),
    "availability": Number("Availability", " %"),
    "seen": Number("How often this one came", said="it came {n} times, {op} {limit}"),
}
# What is new with each report, so that a window may add it up.
COUNTED = ("tickets", "mentions")
FLAGS = {"media_enquiry": "A journalist asks", "regulator_contact": "A regulator has been in touch"}
DATA_CLASSES = {
    "none": "No data of anybody",
    "internal": "Our own data",
    "personal": "Personal data",
    "payment": "Payment data",
    "health": "Health data",
    "credentials": "Passwords or keys",
}
WORDS = {"data_class": "Data that may be affected"}


def name_of(text: str) -> str:
    """`Error-Rate` is error_rate; empty for what can be no name."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40]
    return name if NAME.fullmatch(name) else ""


def value_of(name: str, value: Any) -> Value | None:
    """A number, a yes or no, or a word; None for what is none of these."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) and abs(value) < 10**18 else None
    if not isinstance(value, str):
        return None
    text = " ".join(HIDDEN_SIGNS.sub(" ", value).split())
    if name_of(name) in FLAGS and text.lower() in YES | NO:
        return text.lower() in YES
    number = NUMBER.fullmatch(text)
    if number and abs(float(number[1])) < 10**18:
        return float(number[1])
    return text[:LONGEST] if text else None


def label_of(name: str) -> str:
    known = NUMBERS.get(name)
    return known.label if known else FLAGS.get(name) or WORDS.get(name) or name.replace("_", " ").capitalize()


def shown(name: str, value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return figure(name, value)
    return DATA_CLASSES.get(str(value), str(value)) if name == "data_class" else str(value)


def figure(name: str, value: float) -> str:
    known = NUMBERS.get(name)
    text = f"{value:,.0f}".replace(",", "\u202f") if float(value).is_integer() else f"{value:.10g}"
    return text + (known.unit.replace(" ", "\u00a0") if known else "")


def listed(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and values as people read them, those that everybody knows first."""
    known = [*NUMBERS, *FLAGS, *WORDS]
    order = {name: place for place, name in enumerate(known)}
    names = sorted(values, key=lambda name: (order.get(name, len(order)), name))
    return [(label_of(name), shown(name, values[name])) for name in names]
