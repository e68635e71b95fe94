"""The whole mail around the three parts, and the public form of the same content."""

import html as html_escape
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from crisiscomms.models import Organisation
from incidents.models import Incident
from messaging import rendering, splicing
from messaging.content import PARTS, Content, facts_of
from messaging.rendering import Compiled
from messaging.splicing import Spliced, Whole

# Invisible characters that turn text around: taken out of values, so that a name cannot disguise a sentence.
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
HEADINGS = {"respond": "What we are doing, what you can do", "rebuild": "What comes next"}

GREETING = "{% if first_name != '' %}Hello {{ first_name }},{% else %}Hello,{% endif %}"
PROMISE = "Next update by {{ next_update_at }}"
WHY = (
    "You get this because {{ account }} {% if products != '' %}uses {{ products }}{% else %}is our customer{% endif %}."
    "{% if opted_out != '' %} You opted out of our marketing mail; this is a notice about your service.{% endif %}"
)
# Mail programs read styles in place only; these are the light tokens of the page, for paper.
FONT = "font-family:'IBM Plex Sans',system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
LAYOUT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body style="margin:0;padding:0;background:#f5f7f8">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;background:#ffffff;border:1px solid #c3cad0;border-radius:8px">
<tr><td style="padding:24px 24px 8px;{font};font-size:16px;line-height:1.55;color:#11181d">
<p style="margin:0 0 16px;font-weight:650">{organisation}</p>
{body}
</td></tr>
<tr><td style="padding:12px 24px 16px;border-top:1px solid #e1e5e8;{font};font-size:13px;line-height:1.5;color:#5a656e">{foot}</td></tr>
</table></td></tr></table></body></html>
"""


@dataclass(frozen=True)
class CompiledMail:
    subject: Compiled
    body: Compiled

    def render(self, values: Mapping[str, str]) -> tuple[str, str, str]:
        """Subject, text and HTML for one person. Raises MissingValue."""
        return self.subject.text(values), self.body.text(values), self.body.html(values)

    def for_many(self, shared: Mapping[str, str]) -> "ForMany":
        """The same for many who share `shared`, given each one's own values: a fraction of the cost."""
        return ForMany(
            splicing.for_many(self.subject, self.subject.text_source, shared, is_html=False),
            splicing.for_many(self.body, self.body.text_source, shared, is_html=False),
            splicing.for_many(self.body, self.body.html_source, shared, is_html=True),
        )


@dataclass(frozen=True)
class ForMany:
    subject: Spliced | Whole
    text: Spliced | Whole
    html: Spliced | Whole


def compile_mail(content: Content, organisation: Organisation) -> CompiledMail:
    """Parse once per message. Raises BadTemplate for a part that cannot be rendered."""
    subject = rendering.compile_line(content.subject, "The subject")
    text, html = [GREETING], [f"<p>{GREETING}</p>"]
    for part in PARTS:
        source = getattr(content, part).strip()
        if not source:
            continue
        if part in HEADINGS:
            text.append(HEADINGS[part].upper())
            html.append(f'<h3 style="font-size:16px;margin:20px 0 4px">{HEADINGS[part]}</h3>')
        text.append(rendering.to_text(source))
        html.append(rendering.to_html(source))
    if content.next_update_at:
        text.append(f"--> {PROMISE}")
        html.append(
            f'<p style="border-left:3px solid {organisation.accent};padding:6px 0 6px 12px;font-weight:500">{PROMISE}</p>'
        )
    text.append(f"--\n{WHY}\nUnsubscribe from incident notices: {{{{ unsubscribe_url }}}}")
    foot = f'{WHY} <a href="{{{{ unsubscribe_url }}}}" style="color:{organisation.accent}">Unsubscribe from incident notices</a>'
    # Braces in a name are words, not fields.
    name = html_escape.escape(organisation.name).replace("{", "&#123;")
    page = LAYOUT.format(title=name, organisation=name, font=FONT, body="\n".join(html), foot=foot)
    return CompiledMail(subject, rendering.compile_pair("\n\n".join(text) + "\n", page))


def incident_values(incident: Incident, content: Content, zone: str) -> dict[str, Any]:
    """The fields that are the same for everybody in one time zone: as frozen, or as they are now for a draft."""
    facts = content.facts or facts_of(incident)
    return {
        "incident": facts["incident"],
        "what_happened": facts["what_happened"],
        "components": in_list(facts["components"]) or "our service",
        "began_at": moment_words(datetime.fromisoformat(facts["began_at"]), zone),
        "next_update_at": moment_words(content.next_update, zone) if content.next_update else "",
        "organisation": facts["organisation"],
        "support": facts["support"],
        rendering.FACT: {key: straight(fact["value"]) for key, fact in facts.get("facts", {}).items()},
    }


def person_values(merge: Mapping[str, Any]) -> dict[str, str]:
    """A recipient's own fields; None is empty, and nothing in them can turn text around."""
    wanted = (*rendering.PERSON_FIELDS, "unsubscribe_url")
    values = {name: straight(str(merge.get(name) or "")) for name in wanted}
    values["opted_out"] = "yes" if merge.get("marketing_opt_out") else ""
    return values


def parts_html(content: Content, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """(heading, safe HTML) of every part that has text: the mail's own words, for pages that show it as paper."""
    return [
        (HEADINGS.get(part, ""), rendering.compile_block(getattr(content, part), part).html(values))
        for part in PARTS
        if getattr(content, part).strip()
    ]


def line(source: str, values: Mapping[str, str]) -> str:
    return rendering.compile_line(source).text(values)


def straight(value: str) -> str:
    """Without the invisible characters that turn text around."""
    return value if value.isascii() else BIDI.sub("", value)


def public_body_html(content: Content, values: Mapping[str, str]) -> str:
    return rendering.compile_block(content.public_body, "The public text").html(values)


def public_title(content: Content, values: Mapping[str, str]) -> str:
    return rendering.compile_line(content.public_title, "The public title").text(values)


def seller_lines(content: Content, values: Mapping[str, str]) -> tuple[list[str], list[dict[str, str]]]:
    """What sellers say and do not say, with the incident's fields filled in."""

    def fill(source: str) -> str:
        return rendering.compile_line(source, "A talking point").text(values)

    dont = [{"text": fill(item["text"]), "instead": fill(item.get("instead", ""))} for item in content.dont_say]
    return [fill(line) for line in content.say], dont


def in_list(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]


@lru_cache(maxsize=4096)
def moment_words(moment: datetime, zone: str) -> str:
    """“14:30 CET on 22 November”: a time that leaves the page carries its zone and day."""
    local = moment.astimezone(_zone(zone))
    name = local.tzname() or "UTC"
    if name[:1] in "+-":
        name = f"UTC{name}"
    return f"{local:%H:%M} {name} on {local.day} {local:%B}"


@lru_cache(maxsize=256)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")
