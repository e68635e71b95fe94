"""Visiting any address as anybody, without leaving a trace."""

import copy
import itertools
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.test import Client
from django.urls import reverse

from crisiscomms.models import User
from tests.routes import arguments_of, routes

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
# Acts on a message that is approved or sent need one in that state to mean anything.
MESSAGE_OF = {"delivery:order": "approved_id", "delivery:send_plan": "sent_id", "delivery:progress": "sent_id"}
# What the URL configuration says itself.
FIXED = {"openid_connect_callback": {"provider_id": "company"}}
_numbers = itertools.count(1)


def sign_in(person: User | None, **options: Any) -> Client:
    """Each from an address of its own, so that no test uses up the tries of another."""
    number = next(_numbers)
    client = Client(REMOTE_ADDR=f"10.1.{number // 250}.{number % 250}", **options)
    if person is not None:
        client.force_login(person, backend=BACKEND)
    return client


def url_of(name: str, pattern: Any, things: dict[str, Any]) -> str:
    wanted = {key: things[key] for key in arguments_of(pattern)}
    if "message_id" in wanted:
        wanted["message_id"] = things[MESSAGE_OF.get(name, "message_id")]
    if name == "messaging:approve_link":
        wanted["token"] = things["link"]
    if name == "account_invitation":
        wanted["token"] = things["invitation"]
    if name.startswith("setup_try"):
        wanted["key"] = "storage"
    if name.startswith("setup_policy"):
        wanted["key"] = "messaging"
    return reverse(name, kwargs=wanted | FIXED.get(name, {}))


Address = tuple[tuple[str, str], str]


def addresses(things: dict[str, Any], methods: tuple[str, ...] = ("GET", "POST")) -> Iterator[Address]:
    """((name, method), URL) of every route, with the ids of `things`."""
    for name, pattern in routes():
        yield from (((name, method), url_of(name, pattern, things)) for method in methods)


def answer_of(client: Client, method: str, url: str, **options: Any) -> Any:
    """One request whose effects are taken back again, also on the browser."""
    cookies = copy.deepcopy(client.cookies)
    if method == "POST" and not options:
        options = {"data": {"csrfmiddlewaretoken": "as browsers send"}}
    with transaction.atomic():
        answer = (
            client.generic(method, url, **options)
            if isinstance(options.get("data"), bytes)
            else _ask(client, method, url, options)
        )
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def _ask(client: Client, method: str, url: str, options: dict[str, Any]) -> Any:
    return client.get(url, **options) if method == "GET" else client.post(url, **options)


def code_of(answer: Any) -> str:
    """The status; `in` is a way to sign-in."""
    return "in" if answer.headers.get("Location", "").startswith("/account/login/") else str(answer.status_code)
