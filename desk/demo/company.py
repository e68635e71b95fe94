"""The demo's company: who works there, and what it sells."""

from datetime import datetime, time
from typing import Any

from django.contrib.auth.hashers import make_password

from crisiscomms import people
from crisiscomms.models import User
from crisiscomms.organisation import set_organisation
from incidents import actions as incidents
from incidents.models import Component

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
    for item in data["duty"]:
        _duty(item, team[item["who"]], by=team["admin"], now=now)
    for product in data["products"]:
        _product(product, by=team["admin"], now=now)
    _needs(data["needs"], by=team["admin"], now=now)
    return team


def _person(item: dict[str, Any], now: datetime) -> User:
    return people.add_person(
        email=f"{item['name']}@demo.example",
        name=item["called"],
        roles=item["roles"],
        title=item["title"],
        time_zone=item["zone"],
        phone=item.get("phone", ""),
        by=None,
        now=now,
    )


def _duty(item: dict[str, Any], person: User, *, by: User, now: datetime) -> None:
    begins, ends = (time.fromisoformat(item[name]) for name in ("from", "to"))
    incidents.add_duty_hours(
        person=person, role=item["role"], weekdays=item["days"], begins=begins, ends=ends, by=by, now=now
    )


def _product(item: dict[str, Any], *, by: User, now: datetime) -> None:
    product = incidents.add_product(name=item["name"], by=by, now=now)
    for name, description in item["components"].items():
        made = incidents.add_component(product=product, name=name, by=by, now=now)
        _describe(made, description, [], by=by, now=now)


def _needs(needs: dict[str, list[str]], *, by: User, now: datetime) -> None:
    """Which part fails with which other."""
    for name, others in needs.items():
        component = Component.objects.get(name=name)
        _describe(component, component.description, list(Component.objects.filter(name__in=others)), by=by, now=now)


def _describe(component: Component, words: str, needs: list[Component], *, by: User, now: datetime) -> None:
    incidents.change_component(
        component_id=component.pk, name=component.name, description=words, is_public=True, needs=needs, by=by, now=now
    )
