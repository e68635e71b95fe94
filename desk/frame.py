"""What stands around every page: navigation by role, active incidents, the next thing due."""

from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from crisiscomms import bell
from crisiscomms.models import Role, User
from crisiscomms.organisation import get_organisation
from crisiscomms.wording import due_words
from incidents.access import may
from incidents.models import Deadline, Incident
from incidents.models.incident import WORKSHOP_ROLES


def context(request: HttpRequest) -> dict[str, Any]:
    """Context processor. A stranger gets the organisation's name only."""
    found: dict[str, Any] = {"organisation": SimpleLazyObject(get_organisation), "now": getattr(request, "now", None)}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not hasattr(request, "now"):
        return found
    # Asked for only where a page draws them: regions that refresh themselves do not.
    mine = SimpleLazyObject(lambda: list(_mine(user)[:100]))
    found["nav"] = SimpleLazyObject(lambda: _entries(request, user, len(mine)))
    found["nav_incidents"] = SimpleLazyObject(lambda: _incidents(request, user))
    found["nav_declare_url"] = reverse("incidents:declare") if may(user, "declare") else ""
    found["nav_unread"] = SimpleLazyObject(lambda: bell.unread(user))
    found["nav_search_url"] = reverse("desk:search")
    found["nav_next"] = SimpleLazyObject(lambda: _next(mine))
    return found


def _mine(user: User) -> Any:
    return Deadline.objects.visible_to(user).open().filter(owner=user).select_related("incident").order_by("due_at")


def entries(user: User) -> list[tuple[str, str, str, bool]]:
    """Label, address, icon, and whether this person has it."""
    workshop = user.has_role(*WORKSHOP_ROLES)
    found = [("Home", reverse("desk:home"), "house", True)]
    found += [("Incidents", reverse("desk:incidents"), "radio", workshop or user.has_role(Role.EXECUTIVE))]
    found += [("Clocks", reverse("incidents:clocks"), "timer", workshop or user.has_role(Role.EXECUTIVE))]
    found += [("Team", reverse("incidents:roster"), "user", workshop or user.has_role(Role.EXECUTIVE))]
    found += [("Signals", reverse("incidents:signals"), "eye", workshop)]
    found += [("Playbooks", reverse("incidents:playbooks"), "book-open", workshop or user.has_role(Role.EXECUTIVE))]
    found += [("Outward", reverse("incidents:outward"), "megaphone", workshop)]
    found += [("Contacts", reverse("stakeholders:contacts"), "users", workshop)]
    found += [("Sales portal", reverse("portal:home"), "shield-check", True)]
    found += [("Recovery", reverse("recovery:overview"), "trending-up", workshop)]
    found += [("Status page", reverse("statuspage:home"), "globe", True)]
    found += [("Set-up", reverse("setup"), "settings", user.has_role(Role.ADMINISTRATOR))]
    return found


def _entries(request: HttpRequest, user: User, count: int) -> list[dict[str, Any]]:
    # The board stands under its incident, and belongs to Recovery.
    found = request.resolver_match
    here = reverse("recovery:overview") if found and found.namespace == "recovery" else request.path
    return [
        {
            "label": label,
            "url": url,
            "icon": icon,
            "current": here == url or (url != "/" and here.startswith(url)),
            "count": count if label == "Home" and count else None,
            "loud": label == "Home",
        }
        for label, url, icon, shown in entries(user)
        if shown
    ]


def _incidents(request: HttpRequest, user: User) -> list[dict[str, Any]]:
    clocks = Deadline.objects.open().filter(kind__in=["acknowledge", "update"]).order_by("due_at")
    live = Incident.objects.visible_to(user).live().order_by("-declared_at")
    rows = []
    for incident in live.prefetch_related(Prefetch("deadlines", queryset=clocks, to_attr="clocks"))[:5]:
        following = incident.clocks[0] if incident.clocks else None
        words = (
            f"{following.title}: {due_words(following.due_at, request.now)}"
            if following
            else incident.get_phase_display()
        )
        rows.append(
            {
                "ref": incident.ref,
                "title": incident.title,
                "url": reverse("desk:room", args=[incident.number]),
                "severity": incident.severity,
                "next_text": words,
            }
        )
    return rows


def _next(mine: list[Deadline]) -> dict[str, Any] | None:
    from incidents import deadlines

    if not mine:
        return None
    first = mine[0]
    return {"due": first.due_at, "text": first.title, "url": deadlines.kind_of(first).path(first)}
