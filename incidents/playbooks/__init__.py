"""Playbooks: which sections there are, how each is read, written and shown, and which playbook an incident gets.

Each house registers the sections that it owns the meaning of. What a section holds is data made of text, lists of lines
and, for tasks, lines with parts; `clean` is the only way in, from the editor, from shipped data and from programs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crisiscomms.forms import HIDDEN_SIGNS
from crisiscomms.models import Role, User
from crisiscomms.refusal import Refused
from incidents.models import Incident, Playbook, PlaybookVersion

LONGEST_LINE, MOST_LINES = 300, 40
Data = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """One list of lines. `check` says what is wrong with a line, or nothing; `say` is how it is shown.

    `keep` is what is kept of a line as people write it, with words for keys, and `write` such a line of what is kept.
    """

    key: str
    label: str
    hint: str = ""
    check: Callable[[str], str] = lambda line: ""
    say: Callable[[str], str] = lambda line: line
    keep: Callable[[str], str] = lambda line: line
    write: Callable[[str], str] = lambda line: line
    # Which phase of the printed plan it belongs to; empty: it comes before all of them.
    phase: str = ""


@dataclass(frozen=True)
class Section:
    """`apply` does what the section brings when an incident is declared, inside that transaction."""

    position: int
    key: str
    title: str
    fields: tuple[Field, ...]
    apply: Callable[[Incident, Data, User | None, datetime], None] = lambda incident, data, by, now: None

    @property
    def empty(self) -> Data:
        return {one.key: [] for one in self.fields}

    def clean(self, data: Any) -> Data:
        """Raises Refused with a sentence that names the field and the line."""
        if not isinstance(data, dict) or set(data) - {one.key for one in self.fields}:
            raise Refused(f"{self.title}: this holds something that is not known here.")
        return {one.key: self._lines(one, data.get(one.key, [])) for one in self.fields}

    def _lines(self, one: Field, lines: Any) -> list[str]:
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise Refused(f"{one.label}: give it as lines.")
        found = [one.keep(line.strip()) for line in lines if line.strip()]
        if len(found) > MOST_LINES:
            raise Refused(f"{one.label}: at most {MOST_LINES} lines. Nobody reads more in a crisis.")
        for number, line in enumerate(found, start=1):
            fault = _plain_fault(line) or one.check(line)
            if fault:
                raise Refused(f"{one.label}, line {number}: {fault}")
        return found

    def read(self, typed: dict[str, str]) -> Data:
        """From the editor: one text per field, a line each."""
        return self.clean({one.key: typed.get(one.key, "").splitlines() for one in self.fields})

    def written(self, data: Data) -> dict[str, str]:
        """As `read` takes it: what stands in the editor."""
        return {one.key: "\n".join(map(one.write, data.get(one.key, []))) for one in self.fields}

    def render(self, data: Data) -> list[tuple[Field, list[str]]]:
        """What stands in it, in words; empty fields are left out."""
        shown = [(one, [one.say(line) for line in data.get(one.key, [])]) for one in self.fields]
        return [(one, lines) for one, lines in shown if lines]


def _plain_fault(line: str) -> str:
    if len(line) > LONGEST_LINE:
        return f"at most {LONGEST_LINE} characters."
    return "this holds a hidden character. Take it out." if HIDDEN_SIGNS.search(line) else ""


_sections: dict[str, Section] = {}


def register(section: Section) -> None:
    _sections[section.key] = section


def sections() -> list[Section]:
    return sorted(_sections.values(), key=lambda one: (one.position, one.key))


def clean(data: Any) -> Data:
    """All sections; one that is left out is empty, one that nobody registered is refused."""
    if not isinstance(data, dict) or set(data) - set(_sections):
        raise Refused("A section of this playbook is not known here.")
    return {one.key: one.clean(data.get(one.key, {})) for one in sections()}


# Which one an incident gets


def newest(kind: str, severity: str) -> PlaybookVersion | None:
    """The newest version for exactly this; an empty severity is the one for any."""
    found = PlaybookVersion.objects.filter(playbook__kind=kind, playbook__severity=severity)
    return found.select_related("playbook", "author", "approval__by").order_by("-number").first()


def matching(kind: str, severity: str) -> PlaybookVersion | None:
    """The newest of its own severity, else the newest for any."""
    return newest(kind, severity) or newest(kind, "")


def matrix() -> list[tuple[str, list[dict[str, Any]]]]:
    """Kind × severity with the newest version of each, or none."""
    versions = PlaybookVersion.objects.select_related("playbook", "author", "approval__by")
    found = {
        (one.playbook.kind, one.playbook.severity): one
        for one in versions.order_by("playbook", "-number").distinct("playbook")
    }
    columns = [*Incident.Severity.choices, ("", "Any severity")]
    return [
        (
            label,
            [
                {"slug": slug_of(kind, severity), "severity": word, "version": found.get((kind, severity))}
                for severity, word in columns
            ],
        )
        for kind, label in Incident.Kind.choices
    ]


def slug_of(kind: str, severity: str) -> str:
    return Playbook(kind=kind, severity=severity).slug


def named(slug: str) -> tuple[str, str] | None:
    """Kind and severity of an address, or None for one that means nothing."""
    every = [(kind, severity) for kind in Incident.Kind.values for severity in [*Incident.Severity.values, ""]]
    return next((pair for pair in every if slug_of(*pair) == slug), None)


@dataclass
class PlanPart:
    """One heading of the printed plan: a phase, or what counts in all of them."""

    key: str
    title: str
    blocks: list[tuple[str, list[str]]] = field(default_factory=list)


def plan(version: PlaybookVersion) -> list[PlanPart]:
    """The response plan as people read it: what counts throughout, then phase by phase."""
    parts = {"": PlanPart("", "Throughout")} | {
        phase: PlanPart(phase, label) for phase, label in Incident.Phase.choices if phase != Incident.Phase.CLOSED
    }
    for section in sections():
        for one, lines in section.render(version.sections.get(section.key, {})):
            parts[one.phase].blocks.append((one.label, lines))
    return [part for part in parts.values() if part.blocks]


# Tasks are lines with parts: “30 | Legal | Decide whether a regulator has to be told”


@dataclass(frozen=True)
class Task:
    minutes: int
    role: str
    title: str


MOST_MINUTES = 60 * 24 * 30


def task_fault(line: str) -> str:
    try:
        task = read_task(line)
    except ValueError:
        return "write it as “minutes | role | what is to be done”."
    if not 1 <= task.minutes <= MOST_MINUTES:
        return "the minutes count from the declaration: 1 to 43 200."
    if task.role not in Role.values:
        return f"“{task.role[:30]}” is no role. Roles are: {', '.join(Role.labels)}."
    return "" if 0 < len(task.title) <= 160 else "say in at most 160 characters what is to be done."


def read_task(line: str) -> Task:
    minutes, role, title = (part.strip() for part in line.split("|", 2))
    if not (minutes.isascii() and minutes.isdigit() and len(minutes) < 7):
        raise ValueError(line)
    return Task(int(minutes), role, title)


def keep_task(line: str) -> str:
    return _with_role(line, lambda role: _key_of(role, Role.choices))


def write_task(line: str) -> str:
    return _with_role(line, lambda role: str(dict(Role.choices).get(role, role)))


def _with_role(line: str, change: Callable[[str], str]) -> str:
    parts = [part.strip() for part in line.split("|", 2)]
    return " | ".join([parts[0], change(parts[1]), parts[2]]) if len(parts) == 3 else line


def _key_of(word: str, known: Iterable[tuple[str, Any]]) -> str:
    """What is meant by a word, be it the key or the name; the word itself, if it is none of them."""
    plain = word.casefold()
    return next((key for key, label in known if plain in (key, str(label).casefold())), word)


def say_task(line: str) -> str:
    task = read_task(line)
    return f"Within {_span(task.minutes)}, {Role(task.role).label.lower()}: {task.title}"


def _span(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if hours >= 48 and not rest and hours % 24 == 0:
        return f"{hours // 24} days"
    return f"{hours} h{f' {rest} min' if rest else ''}" if hours else f"{rest} min"


def one_of(words: Callable[[], Iterable[tuple[str, str]]]) -> dict[str, Callable[[str], str]]:
    """For a Field whose lines are chosen words: `Field(key, label, **one_of(…))`."""

    def check(line: str) -> str:
        known = dict(words())
        return "" if line in known else f"“{line[:40]}” is not known. Known are: {', '.join(known.values())}."

    def say(line: str) -> str:
        return dict(words()).get(line, line)

    return {"check": check, "say": say, "write": say, "keep": lambda line: _key_of(line, words())}
