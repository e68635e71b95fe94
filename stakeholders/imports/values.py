"""The cells of a file → values. Raises ValueError with the reason when a cell is none."""

import re
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from stakeholders import addresses
from stakeholders.imports import words

_CURRENCY = re.compile(r"^(?:[€$£¥]|[A-Z]{3}\s)?\s*([0-9., '\u00a0\u202f\u2019]+?)\s*(?:[€$£¥]|\s[A-Z]{3})?$")
_SPACING = re.compile("[ '\u00a0\u202f\u2019]")
_TIER = re.compile(r"(?:tier|t)?\s*([123])")
_MAX_PRODUCTS = 50
_LONGEST_LANGUAGE = 12


def _opt_out(text: str) -> bool:
    return bool(_known(words.OPT_OUT, text, "marketing opt-out is neither yes nor no"))


def _kind(text: str) -> Any:
    return _known(words.KIND, text, "unknown lifecycle stage or account type")


def _value(text: str) -> Any:
    return _known(words.VALUE, text, "unknown account value")


def _known(table: dict[str, Any], text: str, reason: str) -> Any:
    word = text.strip().lower()
    if word not in table:
        raise ValueError(reason)
    return table[word]


def _tier(text: str) -> int:
    found = _TIER.fullmatch(text.strip().lower())
    if not found:
        raise ValueError("tier is neither 1, 2 nor 3")
    return int(found[1])


def _language(text: str) -> str:
    code = str(words.LANGUAGE.get(text.lower(), text))
    if len(code) > _LONGEST_LANGUAGE:
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
    """Some exports hold the owner's name here. That is no reason to leave the row out."""
    try:
        return addresses.normalise(text)
    except ValueError:
        return ""


# Field key → reader. What is not here stays as typed. The same few values come again and again.
READERS: dict[str, Callable[[str], Any]] = {
    key: lru_cache(maxsize=1_000)(reader)
    for key, reader in {
        "opt_out": _opt_out,
        "kind": _kind,
        "value": _value,
        "tier": _tier,
        "language": _language,
        "time_zone": _time_zone,
        "revenue": _revenue,
        "products": _products,
        "owner_email": _owner,
    }.items()
}
