"""What has been done with people, as far as the houses above know: an undo leaves alone what was used.

A higher house registers a question here: which of these contacts did it use since then?
"""

from collections.abc import Callable, Sequence
from datetime import datetime

Question = Callable[[Sequence[int], datetime], set[int]]
_questions: dict[str, Question] = {}


def register(reason: str, question: Question) -> None:
    """`reason` ends the sentence “It was left because it …”."""
    _questions[reason] = question


def of_contacts(contact_ids: Sequence[int], *, since: datetime) -> dict[int, str]:
    """Contact → how it was used since then. Those that nobody used are absent."""
    found: dict[int, str] = {}
    for reason, question in _questions.items():
        found |= dict.fromkeys(question(contact_ids, since), reason)
    return found
