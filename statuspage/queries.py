"""What the public may read, from public scopes only."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial

from django.core.paginator import Paginator
from django.db.models import Q
from django.utils.html import linebreaks

from crisiscomms.models import Organisation
from crisiscomms.organisation import get_organisation
from delivery.models import Dispatch
from incidents.models import Component, ComponentState, ImportedUpdate, Incident
from messaging import mail
from messaging.content import Content
from messaging.models import Message

WORST = {"outage": 4, "partial": 3, "degraded": 2, "maintenance": 1}
WORDS = {"outage": "Down", "partial": "Partly failing", "degraded": "Degraded", "maintenance": "Maintenance"}
RECENT = timedelta(days=90)
PAGE = 50
PAST_SHOWN = 40


@dataclass
class Update:
    """One published update. Its words are made when somebody shows them: a list of the past shows few."""

    uid: str
    at: datetime
    stage: str
    tell_title: Callable[[], str]
    tell_html: Callable[[], str]

    @cached_property
    def title(self) -> str:
        return self.tell_title()

    @cached_property
    def html(self) -> str:
        return self.tell_html()


@dataclass
class PublicIncident:
    """An incident as its released updates tell it; the newest first. One of the time before has its name and says
    from which page it comes.
    """

    number: int
    ref: str
    updates: list[Update] = field(default_factory=list)
    next_update: datetime | None = None
    is_resolved: bool = False
    # A false alarm: it ended without a message that says so.
    is_withdrawn: bool = False
    name: str = ""
    source: str = ""

    @property
    def title(self) -> str:
        return self.name or self.updates[0].title

    @property
    def first_title(self) -> str:
        return self.name or self.updates[-1].title


@dataclass(frozen=True)
class PublicComponent:
    name: str
    product: str
    state: str
    words: str


@dataclass(frozen=True)
class Page:
    active: list[PublicIncident]
    past: list[PublicIncident]
    components: list[PublicComponent]
    headline: str
    worst: str
    # How many are over in all; `past` holds the newest of them.
    past_count: int


def page(now: datetime) -> Page:
    incidents = public_incidents(now)
    active = [one for one in incidents if not one.is_resolved]
    past = [one for one in incidents if one.is_resolved]
    components = public_components()
    worst = max((one.state for one in components), key=lambda state: WORST.get(state, 0), default="working")
    return Page(active, past[:PAST_SHOWN], components, _headline(active, components), worst, len(past))


def past(now: datetime) -> "Paginator[int]":
    """The numbers of all incidents that the public was ever told about, by when they began."""
    told = Q(pk__in=Dispatch.objects.public(now).values("incident")) | Q(
        pk__in=ImportedUpdate.objects.public(now).values("incident")
    )
    numbers = (
        Incident.objects.may_be_public().filter(told).order_by("-began_at", "-pk").values_list("number", flat=True)
    )
    return Paginator(numbers, PAGE)


def public_incidents(now: datetime, *, numbers: Iterable[int] | None = None) -> list[PublicIncident]:
    """Every incident with a published update of the last 90 days, or those with these numbers; newest first."""
    dispatches = (
        Dispatch.objects.public(now)
        .select_related("incident", "message")
        .defer("message__working")
        .order_by("-released_at", "-pk")
    )
    earlier = ImportedUpdate.objects.public(now).select_related("incident__imported").order_by("-at", "-pk")
    if numbers is None:
        dispatches, earlier = dispatches.filter(released_at__gt=now - RECENT), earlier.filter(at__gt=now - RECENT)
    else:
        dispatches = dispatches.filter(incident__number__in=numbers)
        earlier = earlier.filter(incident__number__in=numbers)
    found = [*_led_here(dispatches), *_taken_over(earlier)]
    return sorted(found, key=lambda one: one.updates[0].at, reverse=True)


def _led_here(dispatches: Iterable[Dispatch]) -> Iterable[PublicIncident]:
    organisation = get_organisation()
    found: dict[int, PublicIncident] = {}
    for dispatch in dispatches:
        incident = dispatch.incident
        content = Content.from_data(dispatch.content)
        if incident.number not in found:
            found[incident.number] = PublicIncident(
                incident.number,
                incident.ref,
                next_update=_promise(dispatch, content),
                is_resolved=_is_over(incident, dispatch),
                is_withdrawn=incident.stood_down and dispatch.message.kind != Message.Kind.RESOLVED,
            )
        found[incident.number].updates.append(_update(dispatch, content, organisation))
    return found.values()


def _taken_over(updates: Iterable[ImportedUpdate]) -> Iterable[PublicIncident]:
    """Closed incidents of the time before, as the other page told them."""
    found: dict[int, PublicIncident] = {}
    for update in updates:
        incident = update.incident
        if incident.number not in found:
            origin = incident.imported
            found[incident.number] = PublicIncident(
                incident.number, incident.ref, is_resolved=True, name=incident.title, source=origin.source_name
            )
        html = partial(linebreaks, update.text, autoescape=True)
        found[incident.number].updates.append(Update(update.uid.hex, update.at, "", update.get_stage_display, html))
    return found.values()


def _promise(newest: Dispatch, content: Content) -> datetime | None:
    """The promise of the newest published update, whatever the team has done since: only a resolved message,
    which the public has read, ends it."""
    return None if newest.message.kind == Message.Kind.RESOLVED else content.next_update


def _is_over(incident: Incident, newest: Dispatch) -> bool:
    """Public only once the public was told: by a resolved message, or because the incident is closed."""
    return newest.message.kind == Message.Kind.RESOLVED or incident.phase == Incident.Phase.CLOSED


def _update(dispatch: Dispatch, content: Content, organisation: Organisation) -> Update:
    assert dispatch.released_at is not None
    return Update(
        dispatch.uid.hex,
        dispatch.released_at,
        "Resolved" if dispatch.message.kind == Message.Kind.RESOLVED else "",
        partial(_title, dispatch.incident, content, organisation.time_zone),
        partial(_html, dispatch.incident, content, organisation.time_zone),
    )


def _title(incident: Incident, content: Content, zone: str) -> str:
    return mail.public_title(content, mail.incident_values(incident, content, zone))


def _html(incident: Incident, content: Content, zone: str) -> str:
    return mail.public_body_html(content, mail.incident_values(incident, content, zone))


def public_components() -> list[PublicComponent]:
    """Every public component with the worst state of what has been released about it."""
    worst: dict[int, str] = {}
    for component, state in ComponentState.objects.public().open().values_list("component", "state"):
        if WORST[state] > WORST.get(worst.get(component, ""), 0):
            worst[component] = state
    components = Component.objects.in_use().filter(is_public=True).select_related("product")
    return [
        PublicComponent(
            one.name, one.product.name, worst.get(one.pk, "working"), WORDS.get(worst.get(one.pk, ""), "Working")
        )
        for one in components
    ]


def _headline(active: list[PublicIncident], components: list[PublicComponent]) -> str:
    troubled = [one for one in components if one.state != "working"]
    if active:
        return active[0].title
    if troubled:
        return f"{troubled[0].name}: {troubled[0].words.lower()}"
    return "Everything works"
