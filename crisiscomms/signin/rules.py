"""Who has to have a second factor: a policy by role, with some days for those who are new to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from allauth.account.signals import user_logged_in
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from pydantic import Field, field_validator

from crisiscomms import policy
from crisiscomms.models import Policy, Role, User

KEY = "sign_in"
GRACE_LIMIT = 90
# Set in a session that came from the company's identity provider, which asks for its own second factor.
BY_PROVIDER = "by_provider"
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


class SignInRules(policy.Rules):
    """What the policy may say. Changing it takes two people, under Set-up, Policies."""

    second_factor_roles: list[policy.RoleName] = policy.says(
        "Roles that need a second factor", "An authenticator app or a passkey. Without one they can do nothing."
    )
    grace_days: Annotated[int, Field(ge=0, le=GRACE_LIMIT)] = policy.says(
        "Time to set one up (days)", "Counted from this policy, or from when the person came, whichever is later."
    )

    @field_validator("second_factor_roles")
    @classmethod
    def _known(cls, roles: list[str]) -> list[str]:
        unknown = [role for role in roles if role not in Role.values]
        if unknown:
            raise ValueError(f"“{unknown[0]}” is no role; there are {', '.join(Role.values)}")
        return roles


policy.describe(
    policy.Description(
        KEY,
        "Signing in",
        "Which roles can do nothing without a second factor, and how many days they have to set one up.",
        SignInRules,
        is_control=True,
    )
)


@dataclass(frozen=True)
class Rules:
    roles: tuple[str, ...] = ()
    grace_days: int = 0
    since: datetime | None = None


def rules() -> Rules:
    """The rules in force; nobody is asked for anything before a policy is loaded."""
    found = Policy.objects.filter(key=KEY).order_by("-version").first()
    if found is None:
        return Rules()
    return Rules(tuple(found.data["second_factor_roles"]), found.data["grace_days"], found.changed_at)


def factors_of(person: User) -> QuerySet[Authenticator]:
    found: QuerySet[Authenticator] = Authenticator.objects.filter(user=person, type__in=FACTORS)
    return found


def has_second_factor(person: User) -> bool:
    return bool(factors_of(person).exists())


def needed_from(person: User) -> datetime | None:
    """From when on this person can do nothing without a second factor; None when they are not asked for one.

    The days of grace count from the policy or from when the person came, whichever is later.
    """
    found = rules()
    if found.since is None or not set(found.roles) & set(person.roles):
        return None
    return max(found.since, person.date_joined or found.since) + timedelta(days=found.grace_days)


def lacks_factor(request: HttpRequest) -> datetime | None:
    """When the second factor that this session’s person does not have is, or was, due; None when all is well."""
    due = needed_from(request.user)
    if due is None or request.session.get(BY_PROVIDER) or has_second_factor(request.user):
        return None
    return due


def token_lacks_factor(person: User, now: datetime) -> bool:
    """The same for an API token. Who has no password here comes by the company's provider, which asks for its own."""
    due = needed_from(person)
    return due is not None and due <= now and person.has_usable_password() and not has_second_factor(person)


@receiver(user_logged_in)
def ask_in_time(request: HttpRequest, user: User, sociallogin: Any = None, **_: Any) -> None:
    """While there are days of grace, each sign-in says until when."""
    due = None if sociallogin is not None or has_second_factor(user) else needed_from(user)
    if due is not None and request.now < due:
        until = f"{timezone.localtime(due):%A %d %B, %H:%M}"
        words = f"From {until} you need a second factor to sign in. Set it up under “Sign-in”; it takes two minutes."
        messages.warning(request, words)
