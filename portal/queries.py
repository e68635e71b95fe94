"""What sellers may use now: the newest released talking points of each live incident, and nothing else."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crisiscomms.models import Organisation
from crisiscomms.organisation import get_organisation
from delivery.models import Dispatch
from incidents.models import Incident
from messaging import mail
from messaging.content import Content


@dataclass(frozen=True)
class Card:
    incident: Incident
    released_at: datetime
    version: int
    title: str
    summary_html: str
    say: list[str]
    dont_say: list[dict[str, str]]
    next_update: datetime | None


def cards(now: datetime) -> list[Card]:
    """One card per live incident, newest release first. Closed incidents and older releases are gone."""
    newest = (
        Dispatch.objects.for_sellers(now)
        .exclude(incident__phase=Incident.Phase.CLOSED)
        .select_related("incident", "version")
        .defer("version__content")
        .order_by("incident", "-released_at")
        .distinct("incident")
    )
    organisation = get_organisation()
    return sorted(
        (_card(dispatch, organisation) for dispatch in newest), key=lambda card: card.released_at, reverse=True
    )


def _card(dispatch: Dispatch, organisation: Organisation) -> Card:
    content = Content.from_data(dispatch.content)
    values = mail.incident_values(dispatch.incident, content, organisation.time_zone)
    say, dont = mail.seller_lines(content, values)
    assert dispatch.released_at is not None
    return Card(
        dispatch.incident,
        dispatch.released_at,
        dispatch.version.number,
        mail.public_title(content, values),
        mail.public_body_html(content, values),
        say,
        dont,
        content.next_update,
    )


def matching(found: list[Card], query: str) -> list[Card]:
    """Cards with the words of the query anywhere in what sellers may say."""
    words = query.casefold().split()

    def text(card: Card) -> str:
        lines: list[Any] = [card.title, *card.say, *(line for item in card.dont_say for line in item.values())]
        return " ".join(map(str, lines)).casefold()

    return [card for card in found if all(word in text(card) for word in words)]
