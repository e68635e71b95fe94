"""How the team is told, one module per concept. Importing this registers every wording."""

from incidents.mails import anchors, clock, decisions, facts, incidents, outward, signals, team
from incidents.mails.wording import About, about, may_see, url_to

__all__ = [
    "About",
    "about",
    "anchors",
    "clock",
    "decisions",
    "facts",
    "incidents",
    "may_see",
    "outward",
    "signals",
    "team",
    "url_to",
]
