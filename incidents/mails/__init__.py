"""How the team is told, one module per concept. Importing this registers every wording."""

from incidents.mails import clock, decisions, incidents, outward
from incidents.mails.wording import About, about, may_see, url_to

__all__ = ["About", "about", "clock", "decisions", "incidents", "may_see", "outward", "url_to"]
