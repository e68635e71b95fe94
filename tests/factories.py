"""Plain functions that make one valid thing each. What is not named is sensible."""

from datetime import UTC, datetime, timedelta
from typing import Any

from crisiscomms.models import User
from delivery import actions as delivery
from delivery.models import Dispatch
from incidents import actions as incidents
from incidents import disclosure
from incidents.models import Component, Incident, Product
from messaging import actions as messaging
from messaging.content import CHANNELS, Content
from messaging.models import ApprovalDecision, ApprovalRequest, Message
from stakeholders.models import Account, Contact, Membership

NOW = datetime(2026, 11, 17, 13, 9, 0, tzinfo=UTC)


def make_user(name: str, *, roles: list[str], **fields: Any) -> User:
    """Signs in with the password `correct horse battery`."""
    values = {"name": name.capitalize(), "roles": roles, "time_zone": "Europe/Berlin", "date_joined": NOW, **fields}
    return User.objects.create_user(f"{name}@team.example", "correct horse battery", **values)


def make_component(name: str = "Card payments", product: str = "Payments API") -> Component:
    made, _ = Product.objects.get_or_create(name=product)
    component, _ = Component.objects.get_or_create(product=made, name=name)
    return component


def make_incident(by: User, **fields: Any) -> Incident:
    """A major service disruption, discovered and declared at NOW, with one partly failing component."""
    values: dict[str, Any] = {
        "title": "Card payments fail or take over a minute",
        "kind": "service_disruption",
        "severity": "major",
        "discovered_at": NOW,
        "components": {make_component().pk: "partial"},
        "now": NOW,
        **fields,
    }
    return incidents.declare_incident(by=by, **values)


def say(incident: Incident, *, at: datetime, promise: datetime | None = None, **fields: Any) -> None:
    """A word to customers has left, as the messaging house notes it."""
    number = incident.words.count() + 1
    values = {"reference": f"message:{number}", "is_detailed": True, "says_resolved": False, "was_approved": True}
    incidents.note_word(incident=incident, promised_at=promise, by=None, now=at, **{**values, **fields})


def make_account(name: str = "Bluegate Retail", **fields: Any) -> Account:
    values = {"name_key": name.casefold(), "products": ["Payments API"], "updated_at": NOW, **fields}
    return Account.objects.create(name=name, **values)


def make_contact(email: str = "lena@bluegate.example", account: Account | None = None, **fields: Any) -> Contact:
    values = {"address": email.lower(), "first_name": "Lena", "last_name": "Osterwick", "updated_at": NOW, **fields}
    contact = Contact.objects.create(email=email, **values)
    Membership.objects.create(contact=contact, account=account or make_account(f"Account of {email}"))
    return contact


def make_contacts(count: int, **account: Any) -> list[Contact]:
    """People c0@…, c1@… of one account."""
    home = make_account(account.pop("name", "Many Ltd"), **account)
    people = [
        Contact(email=f"c{n}@many.example", address=f"c{n}@many.example", first_name=f"C{n}", updated_at=NOW)
        for n in range(count)
    ]
    Contact.objects.bulk_create(people)
    Membership.objects.bulk_create([Membership(contact=person, account=home) for person in people])
    return people


def make_content(**fields: Any) -> Content:
    """Complete: three parts, public text, talking points, a promise an hour after NOW."""
    values: dict[str, Any] = {
        "subject": "Card payments: some fail, we are on it",
        "recognize": "Some of the card payments at {{ account }} fail since {{ began_at }}.",
        "respond": "Our engineers work on it. You can reach {{ support }}.",
        "rebuild": "You will hear from us by {{ next_update_at }}.",
        "public_title": "Some card payments fail",
        "public_body": "Some card payments fail since {{ began_at }}.",
        "say": ["Some card payments fail. You will hear from us by {{ next_update_at }}."],
        "dont_say": [{"text": "A cause.", "instead": "Our engineers are confirming it."}],
        "next_update_at": (NOW + timedelta(hours=1)).isoformat(),
        **fields,
    }
    return Content(**values)


def make_message(
    incident: Incident, by: User, *, kind: str = "holding", now: datetime = NOW, **content: Any
) -> Message:
    """A complete draft with one kept version, by the channels that the disclosure level leaves open."""
    closed = disclosure.closed_channels(incident)
    content.setdefault("channels", [channel for channel in CHANNELS if channel not in closed])
    message = messaging.start_message(incident_id=incident.pk, kind=kind, by=by, now=now)
    messaging.edit_message(message_id=message.pk, content=make_content(**content), by=by, now=now)
    message.refresh_from_db()
    return message


def ask(message: Message, by: User, *, now: datetime = NOW) -> ApprovalRequest:
    return messaging.request_approval(message_id=message.pk, by=by, now=now)


def approve(request: ApprovalRequest, person: User, *, now: datetime = NOW, **fields: Any) -> ApprovalDecision:
    values: dict[str, Any] = {
        "verdict": "approved",
        "fingerprint": request.version.fingerprint,
        "proof": "session",
        "now": now,
        **fields,
    }
    return messaging.decide(request_id=request.pk, person=person, **values)


def make_approved(incident: Incident, by: User, approver: User, *, now: datetime = NOW, **content: Any) -> Message:
    message = make_message(incident, by, now=now, **content)
    approve(ask(message, by, now=now), approver, now=now)
    message.refresh_from_db()
    return message


def order(message: Message, by: User, *, now: datetime = NOW, **fields: Any) -> list[Dispatch]:
    """Ordered with no hold, unless `hold_seconds` says otherwise."""
    return delivery.order_dispatch(message_id=message.pk, by=by, now=now, **{"hold_seconds": 0, **fields})
