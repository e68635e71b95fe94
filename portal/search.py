"""What can be found in this house: released talking points, by everybody who signs in."""

from django.urls import reverse

from crisiscomms.search import Asked, Hit, Source, register
from portal import queries


def _talking_points(asked: Asked) -> list[Hit]:
    cards = queries.cards(asked.now)
    wanted = [one for one in cards if one.incident.number == asked.number] or [
        card
        for card in cards
        if asked.match(card.title, *card.say, *(str(line) for item in card.dont_say for line in item.values()))
    ]
    return [_hit(card) for card in wanted]


def _hit(card: queries.Card) -> Hit:
    number = card.incident.number
    return Hit(card.title, f"{card.incident.ref}, version {card.version}", f"{reverse('portal:home')}#card-{number}")


register(Source(25, "talking", "Talking points", _talking_points))
