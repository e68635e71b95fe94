"""The page kit: marks, clocks, numbers and form fields, drawn the same way on every page."""

import json
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, cast

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.forms import BaseForm, BoundField, CheckboxInput, FileInput, Select
from django.http import HttpRequest
from django.template import Context
from django.template.base import NodeList
from django.template.loader import get_template
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from crisiscomms import checklist, credentials, tables, wording
from crisiscomms.models import ControlChange
from crisiscomms.tables import Column, View

register = template.Library()

SEVERITIES = {"critical": ("sev3", "Critical"), "major": ("sev2", "Major"), "minor": ("sev1", "Minor")}
DUE_GLYPHS = {"due": "clock", "soon": "soon", "late": "late", "met": "sent", "missed": "late", "waived": "waived"}
FACTS = {
    "confirmed": ("ok", "good", "Confirmed"),
    "believed": ("degraded", "wait", "Believed"),
    "unknown": ("unknown", "", "Unknown"),
}
_CELLS = "cells of a table"
BAR_PARTS = ("good", "warn", "crit", "run", "ink", "mut")
SOON = 900


@register.simple_tag
@lru_cache(maxsize=500)
def icon(name: str, label: str = "") -> SafeString:
    """A line icon: {% icon "mail" %}. With a label it speaks for itself: {% icon "copy" label="Copy" %}."""
    use = format_html('<use href="{}#i-{}"/>', static("crisiscomms/icons.svg"), name)
    if label:
        return format_html('<svg class="i" role="img" aria-label="{}">{}</svg>', label, use)
    return format_html('<svg class="i" aria-hidden="true">{}</svg>', use)


@register.simple_tag
@lru_cache(maxsize=500)
def glyph(name: str, tone: str = "") -> SafeString:
    """A state's shape, beside its word: {% glyph "sent" "is-good" %}. Tones: is-good, is-warn, is-bad."""
    return format_html(
        '<svg class="g{}" viewBox="0 0 16 16" aria-hidden="true"><use href="{}#g-{}"/></svg>',
        f" {tone}" if tone else "",
        static("crisiscomms/icons.svg"),
        name,
    )


@register.simple_tag
@lru_cache(maxsize=20)
def severity(level: str) -> SafeString:
    """Bars and word of a severity: {% severity incident.severity %}; a level without a drawing is a plain tag."""
    if level not in SEVERITIES:
        return format_html('<span class="cc-tag">{}</span>', level)
    shape, word = SEVERITIES[level]
    return format_html('<span class="cc-sev is-{}">{}{}</span>', level, glyph(shape), word)


@register.simple_tag
def severity_glyph(level: str) -> SafeString:
    """Only the bars, with the word for those who cannot see them: {% severity_glyph incident.severity %}."""
    if level not in SEVERITIES:
        return SafeString("")
    shape, word = SEVERITIES[level]
    return format_html('{}<span class="visually-hidden">{}</span>', glyph(shape), word)


@register.simple_tag
def pill(text: str, glyph: str = "", tone: str = "", boxed: bool = False) -> SafeString:
    """A state in shape and word: {% pill "Draft" glyph="draft" boxed=True %}. Tones: good, run, wait, bad."""
    classes = "".join([f" is-{tone}" if tone else "", " is-boxed" if boxed else ""])
    return format_html('<span class="cc-pill{}">{}{}</span>', classes, _shape(glyph), text)


@register.simple_tag
@lru_cache(maxsize=20)
def fact_mark(confidence: str) -> SafeString:
    """How sure a fact is, in shape and word: {% fact_mark fact.confidence %}."""
    shape, tone, word = FACTS[confidence]
    return pill(word, glyph=shape, tone=tone)


@register.simple_tag
def due(at: datetime | None, now: datetime, soon: int = SOON, prefix: str = "") -> SafeString:
    """A live deadline: {% due task.due_at now soon=900 prefix="Next update 14:30," %}; nothing when `at` is None."""
    if at is None:
        return SafeString("")
    now = _plain(now)
    state = wording.due_state(at, now, soon)
    return format_html(
        '<span class="cc-due is-{}">{}{}<time datetime="{at}" data-cc-due="{at}" data-cc-soon="{}">{}</time></span>',
        state,
        glyph(DUE_GLYPHS[state]),
        format_html("<span>{}</span>", prefix) if prefix else "",
        soon,
        wording.due_words(at, now),
        at=at.isoformat(),
    )


@register.simple_tag
def countdown(at: datetime, now: datetime) -> SafeString:
    """A counter without a frame, "8:42": {% countdown plan.hold_until now %}. At zero it sends `cc:zero`, once."""
    left = max(0, wording.seconds_left(at, _plain(now)))
    return format_html(
        '<time datetime="{0}" data-cc-due="{0}" data-cc-format="clock">{1}</time>', at.isoformat(), wording.digits(left)
    )


@register.simple_tag
def met(at: datetime, due_at: datetime) -> SafeString:
    """How a closed deadline was kept: {% met update.sent_at update.due_at %}."""
    return _closed("missed" if at > due_at else "met", wording.met_words(at, due_at))


@register.simple_tag
def deadline_mark(deadline: Any, now: datetime, soon: int = SOON) -> SafeString:
    """The mark for a Deadline, whatever its state (pending, met, missed, waived): {% deadline_mark deadline now %}."""
    state = str(deadline.state)
    if state == "waived":
        return _closed("waived", "waived")
    if deadline.met_at:
        return met(deadline.met_at, deadline.due_at)
    if state == "met":
        return _closed(state, state)
    # A missed one is still to be done: it counts on.
    return due(deadline.due_at, now, soon=soon)


@register.simple_tag
def bar(total: float, label: str = "", **parts: float) -> SafeString:
    """Shares of a whole: {% bar total good=sent warn=bounced crit=failed run=going label="4 209 of 5 190" %}."""
    rects, start = [], 0.0
    for part in BAR_PARTS:
        share = parts.pop(part, 0) or 0
        width = min(100 * share / total if total else 0, 100 - start)
        if width > 0:
            rects.append((part, f"{start:.2f}", f"{width:.2f}"))
            start += width
    if parts:
        raise template.TemplateSyntaxError(f"bar has no part called {', '.join(parts)}")
    return format_html(
        '<svg class="cc-bar" viewBox="0 0 100 6" preserveAspectRatio="none" {}>{}</svg>',
        format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"'),
        format_html_join("", '<rect class="{}" x="{}" y="0" width="{}" height="6"/>', rects),
    )


@register.simple_tag(takes_context=True)
def moment(context: Context) -> datetime:
    """The request's one moment, or this machine's when there is no request: {% moment as now %}."""
    now: datetime = context.get("now") or getattr(context.get("request"), "now", None) or timezone.now()
    return _plain(now)


@register.simple_tag
def wall_clock(now: datetime) -> SafeString:
    """The time of day with its zone, kept running by the script: {% wall_clock now %}."""
    local = timezone.localtime(now)
    minutes = int((local.utcoffset() or timedelta()).total_seconds() // 60)
    return format_html('<b data-cc-wall="{}">{}</b> {}', minutes, clock(now), zone(now))


@register.filter
def thin(number: float | None) -> str:
    """4212 as "4 212" with thin spaces; "" for None."""
    return wording.thin(number)


@register.filter
def span_words(delta: timedelta | None) -> str:
    """A length of time: "38 min", "2 h 29 min", "3 d 4 h"; "" for None."""
    return "" if delta is None else wording.in_words(delta)


@register.filter
def exact_words(seconds: int) -> str:
    """A chosen length of time in whole units: "2 minutes", "90 seconds"."""
    return wording.exact_words(seconds)


@register.filter
def clock(at: datetime | None) -> str:
    """The time of day in the reader's zone: "14:30"; "" for None."""
    return "" if at is None else format_date(timezone.localtime(at), "H:i")


@register.filter
def day_clock(at: datetime | None, now: datetime | None = None) -> str:
    """ "14:30" today, "Thu 19 Nov, 14:30" on another day, with the year when that differs; "" for None."""
    if at is None:
        return ""
    local, today = timezone.localtime(at), timezone.localtime(now or None)
    if local.date() == today.date():
        return clock(at)
    return format_date(local, "D j M, H:i" if local.year == today.year else "D j M Y, H:i")


@register.filter
def timetable(at: datetime, now: datetime) -> str:
    """The time that leads a row of a timetable: today's as `clock`, on another day the date with the hour beneath."""
    local, today = timezone.localtime(at), timezone.localtime(now)
    if local.date() == today.date():
        return clock(at)
    form = "j M" if local.year == today.year else "j M Y"
    return format_html("{}<small>{}</small>", format_date(local, form), format_date(local, "D H:i"))


@register.filter
def zone(at: datetime | None) -> str:
    """The name of the reader's zone at that time: "CET", or "UTC+3" where the zone has no letters; "" for None."""
    return "" if at is None else wording.zone_of(at)


@register.filter
def as_json(value: Any) -> str:
    """For a data attribute that a script reads: data-cc-options="{{ options|as_json }}"."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.filter
def initials(name: str) -> str:
    """ "Ada Thornquill" is AT."""
    return wording.initials(name)


@register.inclusion_tag("crisiscomms/form_field.html")
def field(bound: BoundField, label: str = "", hint: str = "") -> dict[str, Any]:
    """A form field with label, help and errors: {% field form.name label="Your name" hint="As on your badge" %}."""
    help_text = hint or bound.help_text
    described_by = " ".join(
        f"{bound.auto_id}_{part}" for part, there in [("helptext", help_text), ("error", bound.errors)] if there
    )
    widget = bound.field.widget
    own = str(bound.label)
    label = label or own
    _dress(bound)
    if any(_same(widget.attrs.get("placeholder", ""), said) for said in (own, label)):
        del widget.attrs["placeholder"]
    return {
        "field": bound,
        "label": label,
        "hint": help_text,
        "described_by": described_by,
        "is_group": bound.use_fieldset,
        "is_check": isinstance(widget, CheckboxInput),
        "is_file": isinstance(widget, FileInput),
        "widget": bound.as_widget(attrs={"aria-describedby": described_by} if described_by else None),
    }


@register.inclusion_tag("crisiscomms/form_errors.html")
def form_errors(
    form: BaseForm, title: str = "", kept: str = "Nothing was saved yet. What you typed is kept."
) -> dict[str, Any]:
    """What is wrong with the form, first on the page, each with a link to its field: {% form_errors form %}."""
    items = [{"text": text, "target": "", "label": ""} for text in form.non_field_errors()]
    for bound in form:
        target = f"{bound.auto_id}_0" if bound.use_fieldset else bound.id_for_label
        items += [{"text": text, "target": target, "label": bound.label} for text in bound.errors]
    if not title and len(items) == 1 and not items[0]["target"]:
        title = str(items.pop()["text"])
    if not title:
        title = "One answer needs another look" if len(items) == 1 else f"{len(items)} answers need another look"
    return {"form": form, "title": title, "kept": kept, "items": items}


@register.simple_tag
def dressed(bound: BoundField) -> SafeString:
    """Only the widget, with the kit's classes and its error named: {% dressed form.q %}."""
    _dress(bound)
    return bound.as_widget(attrs={"aria-describedby": f"{bound.auto_id}_error"} if bound.errors else None)


@register.inclusion_tag("crisiscomms/table_sheet.html", takes_context=True)
def table_sheet(context: Context, view: View, label: str, csv: str = "", **facts: Any) -> dict[str, Any]:
    """How many there are, the rows with headings that sort, the pages, the file; or what to do when there are none.

    {% table_sheet view "Incidents" csv=url may_lead=may_lead %}: cells get the facts beside their row.
    """
    path = context["request"].path
    return {**facts, "view": view, "label": label, "csv": csv, "path": path, "now": moment(context)}


@register.inclusion_tag("crisiscomms/table_filter.html", takes_context=True)
def table_filter(context: Context, view: View, label: str) -> dict[str, Any]:
    """The form above a table: filters, order, columns: {% table_filter view "Find incidents" %}."""
    return {"view": view, "label": label, "path": context["request"].path}


@register.simple_tag
def counted(number: int) -> str:
    """A number that was counted only so far, "more than 10 000": {% counted figures.contacts %}."""
    return tables.counted(number)


@register.simple_tag(takes_context=True)
def table_cell(context: Context, column: Column, row: Any) -> SafeString:
    """One cell, by the column's template, which knows `row` and the page's facts, or as plain words."""
    if not column.template:
        return format_html("<bdi>{}</bdi>", column.value(row))
    # Drawn in the table's own context, where `row` stands as the loop's word: one of its own for each of hundreds of
    # cells costs as much as the cells. And each template is looked up once, not once for each row.
    known = cast("dict[str, NodeList]", context.render_context.setdefault(_CELLS, {}))
    if column.template not in known:
        known[column.template] = get_template(column.template).template.nodelist  # type: ignore[attr-defined]
    return known[column.template].render(context)


SETUP_PAGES = [
    ("Checklist", "setup", ()),
    ("Organisation", "setup_organisation", ()),
    ("People", "setup_people", ("setup_person",)),
    ("Signing in", "setup_sign_in", ()),
    ("Products", "incidents:products", ("incidents:product", "incidents:component_setup")),
    ("Signals", "incidents:signal_sources", ("incidents:signal_source",)),
    ("Policies", "setup_policies", ("setup_policy", "setup_policy_version")),
    ("Integrations", "setup_integrations", ("setup_integration",)),
    ("Second person", "setup_changes", ("setup_change",)),
    ("Record", "setup_record", ("incidents:anchors",)),
]


@register.inclusion_tag("crisiscomms/setup_tabs.html")
def setup_tabs(request: HttpRequest) -> dict[str, Any]:
    """The pages of set-up, with what waits for a second person: {% setup_tabs request %}."""
    here = request.resolver_match.view_name if request.resolver_match else ""
    waiting = ControlChange.objects.filter(state="open", expires_at__gt=request.now).count()
    return {
        "tabs": [
            {
                "label": label,
                "url": reverse(name),
                "is_here": here in (name, *under),
                "count": waiting if name == "setup_changes" else 0,
            }
            for label, name, under in SETUP_PAGES
            # A place for secrets is shown once something uses one.
            if name != "setup_integrations" or credentials.kinds()
        ]
    }


@register.inclusion_tag("crisiscomms/setup_next.html")
def setup_next(request: HttpRequest) -> dict[str, Any]:
    """Where the checklist goes on once what this page is for is done: {% setup_next request %}."""
    here = request.resolver_match.view_name if request.resolver_match else ""
    step = checklist.following() if here in checklist.pages() - {"setup"} else None
    if step is None or (step.url_name == here and not step.press):
        return {}
    on_list = step.press or step.url_name == "setup"
    return {"step": step, "url": f"{reverse('setup')}#step-{step.key}" if on_list else reverse(step.url_name)}


def _shape(name: str) -> SafeString:
    return glyph(name) if name else SafeString("")


def _plain(now: datetime) -> datetime:
    """`request.now` is lazy, and a datetime cannot be subtracted from something lazy."""
    return now.replace()


def _closed(state: str, words: str) -> SafeString:
    return format_html('<span class="cc-due is-{}">{}{}</span>', state, glyph(DUE_GLYPHS[state]), words)


def _same(placeholder: str, label: str) -> bool:
    """allauth repeats its labels as placeholders; said twice they only look like an answer."""
    return bool(placeholder) and placeholder.replace("-", "").casefold() == label.replace("-", "").casefold()


def _dress(bound: BoundField) -> None:
    """Give the widget Bootstrap's classes; what the form set itself stays."""
    widget = bound.field.widget
    if bound.use_fieldset or isinstance(widget, CheckboxInput):
        name = "form-check-input"
    else:
        name = "form-select" if isinstance(widget, Select) else "form-control"
    classes = widget.attrs.get("class", "").split()
    wanted = [name, "is-invalid"] if bound.errors else [name]
    widget.attrs["class"] = " ".join(classes + [each for each in wanted if each not in classes])
