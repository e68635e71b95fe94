"""People who work with the product, and the roles of the domain page."""

import zoneinfo
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class Role(models.TextChoices):
    PRODUCT_MARKETING = "product_marketing", "Product marketing"
    PUBLIC_RELATIONS = "public_relations", "Public relations"
    PRODUCT = "product", "Product"
    CUSTOMER_SUCCESS = "customer_success", "Customer success"
    LEGAL = "legal", "Legal"
    SECURITY = "security", "Security"
    SUPPORT = "support", "Support"
    EXECUTIVE = "executive", "Executive"
    SALES = "sales", "Sales"
    ADMINISTRATOR = "administrator", "Administrator"


def check_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"There is no time zone called “{name}”.")


class UserQuerySet(models.QuerySet["User"]):
    def active(self) -> "UserQuerySet":
        return self.filter(is_active=True)

    def with_role(self, *roles: str) -> "UserQuerySet":
        """Active people who hold at least one of the roles, in a stable order."""
        return self.active().filter(roles__overlap=list(roles)).order_by("pk")


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username or "")

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def active(self) -> UserQuerySet:
        return self.get_queryset().active()

    def with_role(self, *roles: str) -> UserQuerySet:
        return self.get_queryset().with_role(*roles)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in. Their roles decide what they see and may do."""

    email = models.EmailField("e-mail", max_length=254, unique=True)
    name = models.CharField(max_length=120)
    title = models.CharField(max_length=120, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    roles = ArrayField(models.CharField(max_length=20, choices=Role), default=list)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_time_zone])
    deputy = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="deputy_for")
    # Out of office: what would wait for this person is asked of the deputy as well.
    out_from = models.DateTimeField(null=True, blank=True)
    out_until = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(null=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(name="user_roles_are_known", condition=Q(roles__contained_by=list(Role.values))),
            models.CheckConstraint(
                name="user_is_not_their_own_deputy", condition=Q(deputy=None) | ~Q(deputy=models.F("pk"))
            ),
            models.CheckConstraint(
                name="user_is_back_after_leaving",
                condition=Q(out_from=None, out_until=None) | Q(out_until__gt=models.F("out_from")),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def has_role(self, *roles: str) -> bool:
        return self.is_active and bool(set(roles) & set(self.roles))

    @property
    def can_sign_in(self) -> bool:
        """Whether they ever had a way in: who was invited and has not come yet cannot decide anything."""
        return self.is_active and (self.has_usable_password() or self.last_login is not None)

    def is_out(self, now: datetime) -> bool:
        """Whether they said that they are away at this moment."""
        return self.out_from is not None and self.out_until is not None and self.out_from <= now < self.out_until

    @property
    def role_label(self) -> str:
        labels = [Role(role).label for role in self.roles if role in Role.values]
        return self.title or ", ".join(labels) or "No role"

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()
