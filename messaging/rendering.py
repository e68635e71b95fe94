"""One renderer for everything that leaves: Markdown and merge fields to text and HTML, per person.

The order matters (stack, traps): fields become opaque tokens first, then Markdown, then the narrow tag list,
then the fields come back, and only then are values filled in, escaped. A recipient's *name* can never become
a link, a tag or a field.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import nh3
from liquid import BoundTemplate, Environment, StrictUndefined
from liquid.exceptions import LiquidError
from markdown_it import MarkdownIt

PERSON_FIELDS = {
    "first_name": "First name",
    "account": "Their company",
    "products": "Their affected products",
}
INCIDENT_FIELDS = {
    "incident": "Incident reference",
    "what_happened": "What happened",
    "components": "Affected components",
    "began_at": "Began at",
    "next_update_at": "Next update, their time",
    "organisation": "Our name",
    "support": "Support contact",
}
FIELDS = {**PERSON_FIELDS, **INCIDENT_FIELDS}
FILTERS = ("default", "capitalize", "downcase", "upcase")
# Facts of the incident’s sheet are fields too: {{ fact.cause }}.
FACT = "fact"
FACT_KEY = re.compile(r"(?!(?:size|first|last)$)[a-z][a-z0-9_]{0,39}")
TAGS = ("if", "unless", "content", "output", "illegal")
HTML_TAGS = {"p", "br", "strong", "em", "ul", "ol", "li", "a", "h3", "h4", "blockquote", "code"}
SOURCE_LIMIT = 8_000
# Also bounds how deep conditions can be nested, and so the parser's recursion.
FIELD_LIMIT = 100


class BadTemplate(ValueError):
    """The text cannot be rendered. The message is a sentence that says where and what to do."""


class MissingValue(ValueError):
    """A recipient has no value for a field that the text uses. Sending to them is blocked."""


class _Limited(Environment):
    # Bounds for what a text may cost; loops and assignments do not exist at all (TAGS).
    loop_iteration_limit = 1_000
    output_stream_limit = 200_000
    local_namespace_limit = 2_000
    context_depth_limit = 8


def _environment(*, autoescape: bool) -> Environment:
    environment = _Limited(autoescape=autoescape, undefined=StrictUndefined)
    environment.tags = {name: tag for name, tag in environment.tags.items() if name in TAGS}
    environment.filters = {name: act for name, act in environment.filters.items() if name in FILTERS}
    return environment


_plain = _environment(autoescape=False)
_escaped = _environment(autoescape=True)
_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable(["image", "html_block", "html_inline"])
# Bounded, so that a thousand fields that nobody closed cost no more than their length.
_FIELD = re.compile(r"\{\{.{0,300}?\}\}|\{%.{0,300}?%\}", re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_RAW = re.compile(r"\{%-?\s*(end)?raw\b")
_MARKS = re.compile(r"(\*\*|__|`)")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]*)\)")


def check(source: str, *, where: str, allowed: Iterable[str] = tuple(FIELDS)) -> None:
    """Refuse what could not be rendered for somebody. Raises BadTemplate with place and cure."""
    _check_length(source, where)
    template = _parse(_plain, source, where)
    analysis = template.analyze()
    unknown = sorted(set(analysis.globals) - set(allowed) - {FACT})
    if unknown:
        names = ", ".join(sorted(allowed))
        raise BadTemplate(f"{where} uses “{unknown[0]}”, which is not a field here. These are: {names}.")
    strange = sorted(set(analysis.filters) - set(FILTERS))
    if strange:
        raise BadTemplate(f"{where} uses the filter “{strange[0]}”. These exist: {', '.join(FILTERS)}.")
    for use in analysis.globals.get(FACT, []):
        if _fact_key(use.segments) is None:
            raise BadTemplate(f"{where} uses a fact in another way than {{{{ fact.cause }}}}: by its key alone.")
    for name, uses in analysis.globals.items():
        if name == FACT:
            continue
        if any(len(getattr(use, "segments", [name])) > 1 for use in uses):
            raise BadTemplate(f"{where} looks inside “{name}”. A field is used by its name alone.")


def _fact_key(segments: list[object]) -> str | None:
    key = segments[1] if len(segments) == 2 else None
    return key if isinstance(key, str) and FACT_KEY.fullmatch(key) else None


@lru_cache(maxsize=1024)
def fact_keys(source: str) -> frozenset[str]:
    """The facts that a text draws on; none of a text that cannot be read yet."""
    if FACT not in source or len(source) > SOURCE_LIMIT:
        return frozenset()
    try:
        uses = _parse(_plain, source, "The text").analyze().globals.get(FACT, [])
    except BadTemplate:
        return frozenset()
    return frozenset(key for use in uses if (key := _fact_key(use.segments)))


def _check_length(source: str, where: str = "A part") -> None:
    if len(source) > SOURCE_LIMIT:
        raise BadTemplate(f"{where} is longer than {SOURCE_LIMIT} characters. Shorten it.")


def _guard(source: str, where: str, limit: int) -> None:
    """Refuse what the parser takes and should not: text inside a field is not escaped, and a range is a loop."""
    fields = _FIELD.findall(source)
    if len(fields) > limit:
        raise BadTemplate(f"{where} uses more than {limit} fields and conditions. Shorten it.")
    rest = _FIELD.sub(lambda field: "\n" * field.group(0).count("\n") + " ", source)
    open_at = min((at for at in (rest.find("{{"), rest.find("{%")) if at >= 0), default=None)
    if open_at is not None:
        line = rest[:open_at].count("\n") + 1
        raise BadTemplate(
            f"{where} opens a field in line {line} that is not closed. Fields look like {{{{ first_name }}}}."
        )
    for field in fields:
        if set("<>") & set(field) or _RAW.match(field) or ".." in _QUOTED.sub("", field):
            raise BadTemplate(f"{where} has “{field[:60]}”: a field holds no <, >, range or raw text. Take it out.")


def _parse(environment: Environment, source: str, where: str, *, limit: int = FIELD_LIMIT) -> BoundTemplate:
    _guard(source, where, limit)
    try:
        return environment.from_string(source)
    except LiquidError as error:
        found = error.context() if error.token is not None else None
        line = f" in line {found[0]}" if found else ""
        raise BadTemplate(f"{where}: {error.message}{line}. Fields look like {{{{ first_name }}}}.") from None


def to_html(source: str) -> str:
    """Markdown to safe HTML with the Liquid fields still in it, outside of any attribute."""
    _check_length(source)
    tokens: dict[str, str] = {}
    mark = secrets.token_hex(8)

    def hide(match: re.Match[str]) -> str:
        token = f"x{mark}x{len(tokens)}x"
        tokens[token] = match.group(0)
        return token

    hidden = _FIELD.sub(hide, source)
    html = nh3.clean(
        _markdown.render(hidden),
        tags=HTML_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    if any(token in attribute for attribute in re.findall(r'href="([^"]*)"', html) for token in tokens):
        raise BadTemplate("A link address holds a merge field. Write the address out.")
    return re.sub(rf"x{mark}x\d+x", lambda found: tokens[found.group(0)], html)


def to_text(source: str) -> str:
    """Markdown to plain text with the Liquid fields still in it: marks go, links show their address."""
    _check_length(source)
    return _MARKS.sub("", _LINK.sub(r"\1 (\2)", source)).strip()


@dataclass(frozen=True)
class Compiled:
    """Parsed once, rendered per person. The sources stand beside what was parsed from them."""

    plain: BoundTemplate
    escaped: BoundTemplate | None = None
    text_source: str = ""
    html_source: str = ""

    def text(self, values: Mapping[str, str]) -> str:
        return _fill(self.plain, values)

    def html(self, values: Mapping[str, str]) -> str:
        assert self.escaped is not None
        return _fill(self.escaped, values)


def _fill(template: BoundTemplate, values: Mapping[str, str]) -> str:
    try:
        return template.render(**values)
    except LiquidError as error:
        raise MissingValue(error.message or "A value is missing.") from None


@lru_cache(maxsize=512)
def compile_line(source: str, where: str = "The line") -> Compiled:
    """A subject or a single sentence: plain text only."""
    return Compiled(_parse(_plain, source, where), text_source=source)


@lru_cache(maxsize=512)
def compile_block(source: str, where: str = "The text") -> Compiled:
    """A part with Markdown: as plain text, and as HTML with every value escaped."""
    return compile_pair(to_text(source), to_html(source), where, limit=FIELD_LIMIT)


def compile_pair(text: str, html: str, where: str = "The mail", *, limit: int = FIELD_LIMIT * 4) -> Compiled:
    """Two forms that were put together from checked parts (see messaging/mail.py); a mail has three of them."""
    plain, escaped = (
        _parse(_plain, text, where, limit=limit),
        _parse(_escaped, html, where, limit=limit),
    )
    return Compiled(plain, escaped, text, html)
