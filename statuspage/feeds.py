"""The Atom feed of the status page."""

import re
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed

from crisiscomms.organisation import get_organisation
from statuspage import queries

# XML 1.0 has no form for these: one that slipped in must not take the whole feed down.
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


class History(Feed):  # type: ignore[type-arg]
    feed_type = Atom1Feed
    description_template = None

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().__call__(request, *args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=15"
        return response

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> datetime:
        """What the feed is about: the moment it is read. One instance serves all threads, so it keeps nothing."""
        moment: datetime = request.now
        return moment

    def title(self) -> str:
        return CONTROLS.sub("", f"{get_organisation().name}: status")

    def link(self) -> str:
        return settings.BASE_URL + reverse("statuspage:home")

    def feed_url(self) -> str:
        return settings.BASE_URL + reverse("statuspage:history")

    def items(self, now: datetime) -> list[tuple[queries.PublicIncident, queries.Update]]:
        pairs = [(one, update) for one in queries.public_incidents(now) for update in one.updates]
        return sorted(pairs, key=lambda pair: pair[1].at, reverse=True)[:50]

    def item_title(self, item: Any) -> str:
        incident, update = item
        return CONTROLS.sub("", f"{incident.name}: {update.title}" if incident.name else update.title)

    def item_description(self, item: Any) -> str:
        return CONTROLS.sub("", item[1].html)

    def item_link(self, item: Any) -> str:
        return settings.BASE_URL + reverse("statuspage:incident", args=[item[0].number])

    def item_guid(self, item: Any) -> str:
        return f"urn:uuid:{item[1].uid}"

    def item_pubdate(self, item: Any) -> Any:
        return item[1].at

    def item_updateddate(self, item: Any) -> Any:
        return item[1].at
