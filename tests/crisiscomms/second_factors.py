"""What the tests of second factors do with an authenticator app and a browser."""

import re
import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from crisiscomms import policy
from crisiscomms.models import User
from tests.conftest import NOW

PASSWORD = "correct horse battery"
APP, CODES, SECOND = "/account/authenticator-app/", "/account/recovery-codes/", "/account/login/second-factor/"


def come_in(person: User, **place: Any) -> Client:
    """As far as the password leads."""
    client = Client(**place)
    client.post("/account/login/", {"login": person.email, "password": PASSWORD})
    return client


def prove(client: Client) -> None:
    client.post("/account/reauthenticate/", {"password": PASSWORD})


def digits(secret: str, step: int = 0) -> str:
    """What the app shows; another `step` is another half minute."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step))


def add_app(client: Client) -> str:
    """Set up an authenticator app; returns its secret."""
    prove(client)
    client.get(APP)
    secret: str = client.session[SECRET_SESSION_KEY]
    answer = client.post(APP, {"code": digits(secret)})
    assert answer.url == CODES, answer
    cache.clear()
    return secret


def shown_codes(client: Client) -> list[str]:
    return re.findall(r"<li><code>(\d+)</code></li>", client.get(CODES).content.decode())


def has_app(person: User) -> bool:
    return Authenticator.objects.filter(user=person, type="totp").exists()


def require(*roles: str, grace_days: int = 0, by: User) -> None:
    data = {"second_factor_roles": list(roles), "grace_days": grace_days}
    policy.replace(key="sign_in", data=data, by=by, now=NOW)
