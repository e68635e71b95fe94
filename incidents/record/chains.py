"""What a chain in an archive says about itself: numbers, links and end. Pure Python, without Django."""

from collections.abc import Iterator
from typing import Any


def faults(chain: Any, head: dict[str, Any]) -> Iterator[str]:
    """In sentences, whatever is wrong with it; `head` is its last event as the manifest has it."""
    events = chain.get("events") if isinstance(chain, dict) else None
    if not isinstance(events, list) or not all(map(_is_event, events)):
        yield "The chain of the record cannot be read: parts/chain.json is not what it has to be."
        return
    name, previous, number = head.get("chain"), "", 0
    for event in events:
        number += 1
        if event["number"] != number:
            yield f"Event {number} of {name} was missing already when the record was taken out."
            number = event["number"]
        elif event["previous"] != previous:
            yield f"Event {number} of {name} does not follow from the one before: one of them was changed before the record was taken out."
        previous = event["digest"]
    if head.get("number") != number or head.get("digest") != previous:
        yield f"The end of {name} was cut off: the manifest knows {head.get('number')} events, the chain ends with {number}."


def _is_event(event: Any) -> bool:
    return (
        isinstance(event, dict)
        and type(event.get("number")) is int
        and isinstance(event.get("previous"), str)
        and isinstance(event.get("digest"), str)
    )
