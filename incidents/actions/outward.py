"""The standing list of what goes out by itself."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from incidents import access
from incidents.models import OutwardActivity, OutwardKind, Product
from incidents.outside.links import check_link


@transaction.atomic
def add_activity(
    *, name: str, kind: str, owner: User, by: User, now: datetime, place: str = "", link: str = "",
    products: Iterable[Product] = (), is_active: bool = True,
) -> OutwardActivity:  # fmt: skip
    """Put something on the list. The next incident that concerns it asks its owner to halt it."""
    access.require(by, "work")
    fields = _checked(name=name, kind=kind, owner=owner, place=place, link=link, is_active=is_active)
    activity = OutwardActivity.objects.create(added_at=now, **fields)
    activity.products.set(products)
    _say(activity, "outward.added", f"{activity.name} stands on the list of what goes out by itself", by, now)
    return activity


@transaction.atomic
def change_activity(
    *, activity_id: int, name: str, kind: str, owner: User, by: User, now: datetime, place: str = "", link: str = "",
    products: Iterable[Product] = (), is_active: bool = True,
) -> OutwardActivity:  # fmt: skip
    """Change what the list says. Checks of incidents keep what they were opened with."""
    access.require(by, "work")
    activity = OutwardActivity.objects.select_for_update().get(pk=activity_id)
    fields = _checked(name=name, kind=kind, owner=owner, place=place, link=link, is_active=is_active)
    for key, value in fields.items():
        setattr(activity, key, value)
    activity.save(update_fields=list(fields))
    activity.products.set(products)
    standing = f"owner {activity.owner}" if activity.is_active else "not active any more"
    _say(activity, "outward.changed", f"{activity.name} on the list of what goes out by itself: {standing}", by, now)
    return activity


def _checked(*, name: str, kind: str, owner: User, place: str, link: str, is_active: bool) -> dict[str, Any]:
    if not name.strip():
        raise Refused("Give it the name that its owner knows it by.")
    if kind not in OutwardKind.values:
        raise Refused("Choose a kind from the list.")
    require_owner(owner)
    require_link(link)
    return {
        "name": name.strip(), "kind": kind, "owner": owner, "place": place.strip(), "link": link.strip(),
        "is_active": is_active,
    }  # fmt: skip


def require_owner(owner: User) -> None:
    if not owner.is_active or not access.may(owner, "work"):
        raise Refused(f"{owner.name} cannot own this with their roles. Choose somebody of the workshop.")


def require_link(link: str) -> None:
    from django.core.exceptions import ValidationError

    try:
        check_link(link.strip())
    except ValidationError as error:
        raise Refused(error.messages[0]) from None


def _say(activity: OutwardActivity, verb: str, text: str, by: User, now: datetime) -> None:
    audit.record(chain=audit.INSTALLATION, verb=verb, subject=f"outward:{activity.pk}", text=text, by=by, now=now)
