"""The demo's company: who works there, and what it sells."""

from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password

from crisiscomms import people
from crisiscomms.models import User
from crisiscomms.organisation import set_organisation
from incidents.models import Component, Product

PASSWORD = "demo"


def found(data: dict[str, Any], *, now: datetime) -> dict[str, User]:
    """Set the company up. Returns its people by the first part of their address."""
    set_organisation(by=None, now=now, **data["organisation"])
    team = {item["name"]: _person(item, now) for item in data["people"]}
    # One hash for all: each would take a third of a second.
    User.objects.get_queryset().update(password=make_password(PASSWORD))
    for item in data["people"]:
        if "deputy" in item:
            User.objects.get_queryset().filter(pk=team[item["name"]].pk).update(deputy=team[item["deputy"]])
    for position, product in enumerate(data["products"]):
        _product(product, position)
    return team


def _person(item: dict[str, Any], now: datetime) -> User:
    return people.add_person(
        email=f"{item['name']}@demo.example",
        name=item["called"],
        roles=item["roles"],
        title=item["title"],
        time_zone=item["zone"],
        by=None,
        now=now,
    )


def _product(item: dict[str, Any], position: int) -> None:
    made = Product.objects.create(name=item["name"], position=position)
    parts = enumerate(item["components"].items())
    Component.objects.bulk_create(
        Component(product=made, name=name, description=description, position=number)
        for number, (name, description) in parts
    )
