"""What a journey finds already there, made by the real actions, in a process of its own on the live site's database."""

from datetime import datetime, timedelta
from typing import Any

from crisiscomms import clock, policy
from crisiscomms.models import User
from incidents import actions as incidents
from incidents.models import Incident
from tests import factories


def _who(name: str) -> User:
    return User.objects.get(email=f"{name}@demo.example")


def _now() -> datetime:
    return clock.now()


def _incident(title: str) -> Incident:
    """A minor disruption of a product that only this incident's customers use."""
    component = factories.make_component(f"Part for {title}", f"Product for {title}")
    values = {"title": title, "severity": "minor", "discovered_at": _now(), "now": _now()}
    return factories.make_incident(_who("pmm"), components={component.pk: "partial"}, **values)


def _message(title: str) -> dict[str, Any]:
    incident = _incident(title)
    promise = (_now() + timedelta(hours=2)).isoformat()
    texts = {"subject": f"{title}: we are on it", "public_title": title, "next_update_at": promise}
    message = factories.make_message(incident, _who("pmm"), now=_now(), **texts, affected_only=True)
    return {"incident": incident, "message": message}


def customers(title: str, people: int) -> None:
    account = factories.make_account(f"Customers of {title}", products=[f"Product for {title}"])
    for number in range(people):
        address = f"c{number}@{title.lower().replace(' ', '-')}.example"
        factories.make_contact(address, account, first_name=f"C{number}")


def in_review(title: str, people: int = 3) -> dict[str, Any]:
    """A holding statement that waits for the executives."""
    customers(title, people)
    made = _message(title)
    request = factories.ask(made["message"], _who("pmm"), now=_now())
    return {"number": made["incident"].number, "message": made["message"].pk, "request": request.pk}


def approved(title: str, people: int = 3) -> dict[str, Any]:
    """A holding statement that may be sent."""
    customers(title, people)
    made = _message(title)
    request = factories.ask(made["message"], _who("pmm"), now=_now())
    factories.approve(request, _who("exec"), now=_now())
    return {"number": made["incident"].number, "message": made["message"].pk}


def in_management(title: str) -> dict[str, Any]:
    """An incident whose first phase is over."""
    incident = _incident(title)
    reason = "Nobody outside has noticed."
    incidents.move_phase(incident_id=incident.pk, to="management", waive_reason=reason, by=_who("pmm"), now=_now())
    return {"number": incident.number}


def resolved(title: str) -> dict[str, Any]:
    """An incident with its recovery programme."""
    made = in_management(title)
    incident = Incident.objects.get(number=made["number"])
    incidents.move_phase(
        incident_id=incident.pk, to="resolution", waive_reason="It never began.", by=_who("pmm"), now=_now()
    )
    return made


def hold(seconds: int) -> dict[str, Any]:
    """How long a pressed Send can be taken back from now on."""
    rules = policy.current("messaging")
    rules["settings"]["hold_seconds"] = seconds
    policy.replace(key="messaging", data=rules, by=None, now=_now())
    return {}
