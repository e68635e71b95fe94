"""Programs that ask the API: each with a token of its person."""

from datetime import datetime
from typing import Any

from django.test import Client

from crisiscomms.api.tokens import make_token
from crisiscomms.models import User
from tests.factories import NOW

BOTH = ("read", "write")


def make(person: User, *scopes: str, days: int = 90, now: datetime = NOW) -> str:
    return make_token(name="a program", scopes=list(scopes or BOTH), days=days, by=person, now=now)[1]


def program(person: User | None, *scopes: str, **options: Any) -> Client:
    """Asks as this person, with both scopes unless they are named; without a token as nobody."""
    headers = {"Authorization": f"Bearer {make(person, *scopes)}"} if person else {}
    return Client(headers=headers, **options)


def send(client: Client, url: str, body: Any, **headers: str) -> Any:
    return client.post(url, body, content_type="application/json", headers=headers)


DECLARED = {"title": "Card payments fail", "kind": "service_disruption", "severity": "major"}
