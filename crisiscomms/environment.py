"""The environment, read once and checked with words: what is missing, where, and how to mend it."""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent

HINTS = {
    "secret_key": "a random text of at least 50 characters",
    "database_url": "postgresql://user:password@host:5432/name",
    "redis_url": "redis://host:6379/0",
    "record_signing_key": "a random text of at least 32 characters, kept apart from SECRET_KEY",
    "base_url": "the address people open, such as https://crisis.example.com",
    "default_from_email": "the address that mail comes from, such as updates@example.com",
    "oidc_issuer": "the address that the identity provider gives for itself, such as https://login.example.com",
    "oidc_client_id": "the client id that the identity provider gave to this site",
    "oidc_client_secret": "the client secret that the identity provider gave to this site",
    "oidc_role_claim": "the name of the claim that holds somebody's groups, such as groups or resource_access.crisis.roles",
    "oidc_role_map": 'JSON, from a value of that claim to our roles: {"crisis-approvers": ["executive"]}',
    "email_url": "smtp://user:password@host:25, submission://user:password@host:587 or console:",
}


class Environment(BaseSettings):
    """Names are part of the contract: documented in the README and `.env.example`."""

    model_config = SettingsConfigDict(extra="ignore")

    secret_key: str
    secret_key_fallbacks: str = ""
    database_url: str
    redis_url: str
    record_signing_key: str
    base_url: str = "http://localhost:8000"
    email_url: str = "console:"
    allowed_hosts: str = ""
    default_from_email: str = "updates@localhost.example"
    storage_url: str = "file:///" + str(BASE_DIR / ".local" / "files")
    trusted_proxies: int = 0
    heartbeat_url: str = ""
    metrics_token: str = ""
    proxy_snapshot_dir: str = ""
    # Host names of chat servers inside the company's own network, separated by commas; no other name may lead inside.
    chat_inside_hosts: str = ""
    # Sign-in by the company's identity provider; all empty: there is none.
    oidc_name: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_role_claim: str = ""
    oidc_role_map: str = ""
    oidc_create: bool = False
    # Not for production: plain-http cookies, the demo, the local mail inbox.
    local_mode: bool = False
    local_inbox_dir: str = ""


class ConfigurationError(SystemExit):
    """Stops the start with the variable's name and a way to mend it."""


@lru_cache
def read() -> Environment:
    try:
        found = Environment()  # type: ignore[call-arg]
    except ValidationError as error:
        lines = [_sentence(item["loc"][0], item["msg"]) for item in error.errors()]
        raise ConfigurationError("\n".join(lines)) from None
    left_out = {"base_url", "email_url", "default_from_email"} - found.model_fields_set
    if left_out and not found.local_mode:
        raise ConfigurationError("\n".join(_sentence(name, "it is not set") for name in sorted(left_out)))
    if len(found.secret_key) < 32 or len(found.record_signing_key) < 32:
        raise ConfigurationError("SECRET_KEY and RECORD_SIGNING_KEY need at least 32 characters.")
    if found.metrics_token and len(found.metrics_token) < 24:
        raise ConfigurationError("METRICS_TOKEN needs at least 24 characters, or none: then /metrics does not exist.")
    if urlsplit(found.base_url).scheme not in ("http", "https"):
        raise ConfigurationError(_sentence("base_url", "it has no http:// or https://"))
    return found


def _sentence(name: object, why: str) -> str:
    hint = HINTS.get(str(name), "see .env.example")
    return f"{str(name).upper()} is missing or malformed ({why}). Set it to {hint}."


def _port(parts: SplitResult, name: str) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise ConfigurationError(_sentence(name, "its port is not a number")) from None


def database(url: str) -> dict[str, object]:
    """Django's DATABASES entry. A unix socket is named as `?host=/directory`."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise ConfigurationError(_sentence("database_url", "it names no PostgreSQL database"))
    query = parse_qs(parts.query)
    options = {key: values[0] for key, values in query.items() if key != "host"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", [parts.hostname or ""])[0],
        "PORT": str(_port(parts, "database_url") or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, **options},
    }


def broker(url: str) -> str:
    """Celery's name for the same Redis: a unix socket has its own scheme there."""
    if url.startswith("unix://"):
        # There the number of the database is called otherwise, too.
        return "redis+socket://" + url.removeprefix("unix://").replace("?db=", "?virtual_host=")
    if not url.startswith(("redis://", "rediss://")):
        raise ConfigurationError(_sentence("redis_url", "it names no Redis"))
    return url


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over. `kind` is "smtp" or "console"."""

    kind: str
    host: str = ""
    port: int = 25
    username: str = ""
    password: str = ""
    tls: str = "none"


def mail_server(url: str) -> MailServer:
    parts = urlsplit(url)
    if parts.scheme == "console":
        return MailServer("console")
    defaults = {"smtp": (25, "none"), "submission": (587, "starttls"), "smtps": (465, "implicit")}
    if parts.scheme not in defaults or not parts.hostname:
        raise ConfigurationError(_sentence("email_url", "it names no mail server"))
    port, tls = defaults[parts.scheme]
    return MailServer(
        "smtp",
        parts.hostname,
        _port(parts, "email_url") or port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        parse_qs(parts.query).get("tls", [tls])[0],
    )


def derived_key(secret: str, purpose: str) -> bytes:
    """A key of its own for each purpose, so that one secret does not sign two kinds of thing."""
    return hashlib.blake2b(base64.b64encode(secret.encode()), person=purpose.encode()[:16]).digest()


def storage_directory(url: str) -> Path:
    """The directory that `file:///path` names."""
    parts = urlsplit(url)
    if parts.scheme != "file" or not parts.path:
        raise ConfigurationError(_sentence("storage_url", "it names no directory (file:///path)"))
    return Path(unquote(parts.path))


@dataclass(frozen=True)
class Oidc:
    """The company's identity provider. `role_map` leads from a value of the claim to our roles."""

    name: str
    issuer: str
    client_id: str
    client_secret: str
    role_claim: str
    role_map: dict[str, list[str]]
    create: bool


def oidc(found: Environment) -> Oidc | None:
    """None when nothing is set; half of it stops the start."""
    needed = ("oidc_issuer", "oidc_client_id", "oidc_client_secret")
    if not any(getattr(found, name) for name in (*needed, "oidc_name", "oidc_role_claim", "oidc_role_map")):
        return None
    missing = [name for name in needed if not getattr(found, name)]
    if missing:
        raise ConfigurationError("\n".join(_sentence(name, "other OIDC_ variables are set") for name in missing))
    parts = urlsplit(found.oidc_issuer)
    if not parts.hostname or parts.scheme not in (("http", "https") if found.local_mode else ("https",)):
        raise ConfigurationError(_sentence("oidc_issuer", "it is no https:// address"))
    role_map = _role_map(found.oidc_role_map)
    if bool(role_map) != bool(found.oidc_role_claim):
        name = "oidc_role_map" if found.oidc_role_claim else "oidc_role_claim"
        raise ConfigurationError(_sentence(name, "claim and map go together"))
    return Oidc(
        found.oidc_name or parts.hostname,
        found.oidc_issuer.rstrip("/"),
        found.oidc_client_id,
        found.oidc_client_secret,
        found.oidc_role_claim,
        role_map,
        found.oidc_create,
    )


# As in crisiscomms.models.Role, which cannot be asked before the settings are read; a test compares them.
ROLES = frozenset(
    [
        "product_marketing",
        "public_relations",
        "product",
        "customer_success",
        "legal",
        "security",
        "support",
        "executive",
        "sales",
        "administrator",
    ]
)


def _role_map(text: str) -> dict[str, list[str]]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        raise ConfigurationError(_sentence("oidc_role_map", "it is no JSON")) from None
    if not isinstance(found, dict):
        raise ConfigurationError(_sentence("oidc_role_map", "it is no JSON object"))
    listed = {value: [roles] if isinstance(roles, str) else roles for value, roles in found.items()}
    for value, roles in listed.items():
        unknown = [str(role) for role in roles if role not in ROLES] if isinstance(roles, list) else ["not a list"]
        if unknown:
            why = f"for {value} it names {', '.join(unknown)}; there are {', '.join(sorted(ROLES))}"
            raise ConfigurationError(_sentence("oidc_role_map", why))
    return listed
