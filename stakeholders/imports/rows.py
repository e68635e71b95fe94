"""One row of a file → what it says about a person and their account, or the reason why it is not taken."""

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from stakeholders import addresses
from stakeholders.imports import words
from stakeholders.imports.mapping import BY_KEY, Mapping

_ACCOUNT_KEYS = ("kind", "value", "revenue", "region", "time_zone", "products", "owner_email")
_PERSON_KEYS = ("first_name", "last_name", "title", "phone", "language", "contact_id", "opt_out")
_CURRENCY = re.compile(r"^(?:[€$£¥]|[A-Z]{3}\s)?\s*([0-9., '\u00a0\u202f\u2019]+?)\s*(?:[€$£¥]|\s[A-Z]{3})?$")
_SPACING = re.compile("[ '\u00a0\u202f\u2019]")
_MAX_PRODUCTS = 50
_SHOWN = 200


@dataclass
class Cleaned:
    """What a row says. Blank cells are absent from `data`, so they cannot erase what is known."""

    address: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


class Reader:
    """Reads rows under one mapping."""

    def __init__(self, headers: Sequence[str], mapping: Mapping) -> None:
        places = {name: place for place, name in enumerate(headers)}
        self.places = {key: places[name] for key, name in mapping.items()}
        self.width = len(headers)

    def clean(self, cells: Sequence[str]) -> Cleaned:
        # Blanks around a value are typing noise. A leading tab is not: it stays, and exports defuse it.
        typed = {key: cells[place].strip(" \u00a0") if place < len(cells) else "" for key, place in self.places.items()}
        try:
            if len(cells) > self.width and any(cell.strip() for cell in cells[self.width :]):
                raise ValueError("more cells than the file has columns")
            address = addresses.normalise(typed.get("email", ""))
            _check_text(typed)
            return Cleaned(address, _data(typed))
        except ValueError as error:
            return Cleaned(data=_shown(typed), reason=str(error))


def _data(typed: dict[str, str]) -> dict[str, Any]:
    given = {key: _VALUES.get(key, _as_typed)(text) for key, text in typed.items() if text.strip()}
    given = {key: value for key, value in given.items() if value is not None and value != ""}
    data = {"email": addresses.bare(typed["email"]), **{key: given[key] for key in _PERSON_KEYS if key in given}}
    if "account_id" in given or "account_name" in given:
        account = {key: given[key] for key in _ACCOUNT_KEYS if key in given}
        # An account that is known by its number alone is shown by it until a file names it.
        account["name"] = given.get("account_name", given.get("account_id"))
        account["id"] = given.get("account_id", "")
        data["account"] = account
    return data


def _check_text(typed: dict[str, str]) -> None:
    """What no field can hold. Everything else stays as typed: pages escape it and exports defuse it."""
    for key, text in typed.items():
        label, limit = BY_KEY[key].label.lower(), BY_KEY[key].limit
        if "\x00" in text:
            raise ValueError(f"NUL character in {label}")
        if addresses.LINE_BREAKS.search(text):
            raise ValueError(f"line break in {label}")
        if len(text) > limit and key != "language":
            raise ValueError(f"{label} is longer than {limit} characters")


def _shown(typed: dict[str, str]) -> dict[str, Any]:
    """Enough of a row that was not taken to find it in the file again."""
    keys = ("email", "first_name", "last_name", "account_name")
    return {key: typed[key].replace("\x00", "\ufffd")[:_SHOWN] for key in keys if typed.get(key)}


def _as_typed(text: str) -> str:
    return text


def _opt_out(text: str) -> bool:
    return bool(_known(words.OPT_OUT, text, "marketing opt-out is neither yes nor no"))


def _known(table: dict[str, Any], text: str, reason: str) -> Any:
    word = text.strip().lower()
    if word not in table:
        raise ValueError(reason)
    return table[word]


def _language(text: str) -> str:
    code = str(words.LANGUAGE.get(text.lower(), text))
    if len(code) > BY_KEY["language"].limit:
        raise ValueError("unknown language")
    return code


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in zoneinfo.available_timezones()}


def _time_zone(text: str) -> str:
    zone = _zones().get(text.casefold())
    if zone is None:
        raise ValueError("unknown time zone")
    return zone


def _revenue(text: str) -> str:
    found = _CURRENCY.match(text)
    digits = _plain_number(_SPACING.sub("", found[1])) if found else None
    if not digits:
        raise ValueError("revenue is not a number")
    if len(digits.partition(".")[0]) > 14:
        raise ValueError("revenue is too large a number")
    return str(Decimal(digits).quantize(Decimal("0.01")))


def _plain_number(text: str) -> str | None:
    """`1,200,000.50`, `1.200.000,50` and `1200000.5` are the same. Three digits after one mark are thousands."""
    if text.count(".") and text.count(","):
        mark = max(".,", key=text.rfind)
        text = text.replace("," if mark == "." else ".", "")
    else:
        mark = "." if "." in text else ","
        if text.count(mark) > 1 or re.fullmatch(rf"[1-9][0-9]{{0,2}}\{mark}[0-9]{{3}}", text):
            text = text if re.fullmatch(rf"[0-9]{{1,3}}(\{mark}[0-9]{{3}})+", text) else "?"
            text = text.replace(mark, "")
    text = text.replace(mark, ".")
    return text if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else None


def _products(text: str) -> list[str]:
    names = list(dict.fromkeys(filter(None, (name.strip() for name in re.split("[;,]", text)))))
    if len(names) > _MAX_PRODUCTS:
        raise ValueError(f"more than {_MAX_PRODUCTS} products")
    if any(len(name) > 120 for name in names):
        raise ValueError("a product's name is longer than 120 characters")
    return names


def _owner(text: str) -> str:
    """Some exports hold the owner's name here. That is no reason to leave the contact out."""
    try:
        return addresses.normalise(text)
    except ValueError:
        return ""


_VALUES: dict[str, Any] = {
    "opt_out": _opt_out,
    "kind": lambda text: _known(words.KIND, text, "unknown lifecycle stage or account type"),
    "value": lambda text: _known(words.VALUE, text, "unknown account value"),
    "language": _language,
    "time_zone": _time_zone,
    "revenue": _revenue,
    "products": _products,
    "owner_email": _owner,
}
