"""Where sessions live: Django’s own engine on our table. The name of the class salts what stands in the rows."""

from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession

# What a session notes about the browser that uses it.
PLACE = "place"


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[AbstractBaseSession]:
        from crisiscomms.models import Session

        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        place = data.get(PLACE) or {}
        row.person_id = data.get(SESSION_KEY)
        row.address, row.agent = place.get("address", ""), place.get("agent", "")
        row.signed_in_at, row.seen_at = _moment(place.get("signed_in_at")), _moment(place.get("seen_at"))
        return row


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
