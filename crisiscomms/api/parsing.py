"""The one JSON parser. What would break a database, a log or a reader further down is refused here with 400 (I7, I8)."""

import json
import math
import re
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

LARGEST = 1_000_000
DEEPEST = 20
UNWANTED = re.compile("[\x00\ud800-\udfff]")


class StrictJson(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise ParseError(f"The body is larger than {LARGEST // 1_000_000} MB. Send less at once.")
        return read(raw)


def read(raw: bytes) -> Any:
    """The value of a JSON text, or ParseError with what is wrong."""
    try:
        value = json.loads(
            raw.decode(),
            object_pairs_hook=_once_each,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except UnicodeDecodeError:
        raise ParseError("The body is not UTF-8.") from None
    except RecursionError:
        raise ParseError(_TOO_DEEP) from None
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ParseError(f"The body is not JSON{where}.") from None
    _check(value, 1)
    return value


_TOO_DEEP = f"The body is nested more than {DEEPEST} levels deep."


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Two readers of one body must not see two different values.
        raise ParseError("A name stands twice in one object of the body.")
    return found


def _no_constant(word: str) -> Any:
    raise ParseError(f"{word} is not a number in JSON.")


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ParseError("A number in the body is too large.")
    return number


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if UNWANTED.search(value):
            raise ParseError("A text in the body holds a NUL character or half of a surrogate pair.")
        return
    if isinstance(value, dict | list):
        if depth > DEEPEST:
            raise ParseError(_TOO_DEEP)
        inner = [*value, *value.values()] if isinstance(value, dict) else value
        for one in inner:
            _check(one, depth + 1)
