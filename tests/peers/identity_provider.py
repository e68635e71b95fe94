"""A real identity provider on this machine: allauth's own, in a process and database of its own.

`python tests/peers/identity_provider.py PORT DIRECTORY REDIRECT` serves until it is killed. Its people:
the file `people.json` in the directory, read at each sign-in: address → {"password", "verified", "claims"}.
"""

import json
import sys
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

CLIENT_ID, CLIENT_SECRET = "crisis-comms", "a secret between the two of us"


def configure(port: int, directory: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from django.conf import settings

    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    settings.configure(
        SECRET_KEY="only of this provider",
        ALLOWED_HOSTS=["localhost"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": directory / "provider.sqlite3"}},
        INSTALLED_APPS=[
            *("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"),
            *("django.contrib.messages", "allauth", "allauth.account", "allauth.idp.oidc"),
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
        ROOT_URLCONF="__main__",
        LOGIN_URL="account_login",
        ACCOUNT_EMAIL_VERIFICATION="none",
        ACCOUNT_LOGIN_METHODS={"email"},
        ACCOUNT_SIGNUP_FIELDS=["email*", "password1*", "password2*"],
        ACCOUNT_RATE_LIMITS=False,
        IDP_OIDC_PRIVATE_KEY=pem.decode(),
        IDP_OIDC_ADAPTER="__main__.Claims",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        return None


if __name__ == "__main__":
    port, directory, redirect = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    configure(port, directory)
    import django

    django.setup()
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.adapter import DefaultOIDCAdapter
    from allauth.idp.oidc.models import Client
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse
    from django.urls import include, path

    def know_everybody(request: HttpRequest) -> HttpResponse:
        """Tests write people.json, then ask for this."""
        for address, facts in json.loads((directory / "people.json").read_text()).items():
            user, _ = User.objects.get_or_create(username=address, defaults={"email": address})
            user.set_password(facts["password"])
            user.save()
            EmailAddress.objects.update_or_create(
                user=user, email=address, defaults={"verified": facts["verified"], "primary": True}
            )
        return HttpResponse("ok")

    class Claims(DefaultOIDCAdapter):
        def get_claims(self, purpose: Any, user: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
            facts = json.loads((directory / "people.json").read_text())[user.username]
            found: dict[str, Any] = super().get_claims(purpose, user, *args, **kwargs)
            return {**found, **facts.get("claims", {}), **(facts.get("told", {}) if purpose == "userinfo" else {})}

    urlpatterns = [
        path("people/", know_everybody),
        path("account/", include("allauth.account.urls")),
        path("", include("allauth.idp.urls")),
    ]
    call_command("migrate", verbosity=0)
    ours = Client(id=CLIENT_ID, name="Crisis Comms", skip_consent=True, redirect_uris=redirect)
    ours.scopes = "openid\nprofile\nemail"
    ours.set_secret(CLIENT_SECRET)
    ours.save()
    server = make_server("localhost", port, get_wsgi_application(), handler_class=Quiet)
    print("ready", flush=True)
    server.serve_forever()
