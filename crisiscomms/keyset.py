"""Pages by key: where one ended is said in the values of its last row, so that the next begins behind it by an index."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q


def turned(name: str) -> str:
    """The other direction of an order: "-name" for "name"."""
    return name[1:] if name.startswith("-") else f"-{name}"


def beyond(order: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows behind this place: further in the first column, or equal there and further in the second, and so on.

    The columns are never NULL, and the last of them is unique.
    """
    found, equal = Q(), Q()
    for name, value in zip(order, values, strict=True):
        column = name.removeprefix("-")
        found |= equal & Q(**{f"{column}__{'lt' if name.startswith('-') else 'gt'}": value})
        equal &= Q(**{column: value})
    first = order[0].removeprefix("-")
    bound = "lte" if order[0].startswith("-") else "gte"
    # Implied by the rest; with it the index is entered at the right place.
    return Q(**{f"{first}__{bound}": values[0]}) & found
