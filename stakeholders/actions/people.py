"""What people and mail servers say about a person's mail, and who took contacts out."""

from datetime import datetime

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from stakeholders import access
from stakeholders.models import Contact


@transaction.atomic
def unsubscribe_contact(*, contact_id: int, now: datetime, how: str) -> Contact:
    """Stop incident notices to a person who asked for it. Asking twice keeps the first time."""
    contact = Contact.objects.select_for_update().get(pk=contact_id)
    if contact.unsubscribed_at is None:
        contact.unsubscribed_at = now
        contact.save(update_fields=["unsubscribed_at"])
        _record_contact(contact, "contact.unsubscribed", f"Unsubscribed from incident notices ({how})", now=now)
    return contact


@transaction.atomic
def suppress_contact(*, contact_id: int, reason: str, now: datetime) -> Contact:
    """Stop trying an address that bounced for good or complained. The first reason stays."""
    contact = Contact.objects.select_for_update().get(pk=contact_id)
    if contact.suppressed_at is None:
        contact.suppressed_at, contact.suppressed_reason = now, reason[:200] or "not given"
        contact.save(update_fields=["suppressed_at", "suppressed_reason"])
        _record_contact(contact, "contact.suppressed", f"No more mail to this address: {reason}", now=now)
    return contact


@transaction.atomic
def allow_contact_again(*, contact_id: int, by: User, now: datetime) -> Contact:
    """Try a suppressed address again. An unsubscribe is the person's own word and stays."""
    access.refuse_unless_may_import(by)
    contact = Contact.objects.select_for_update().get(pk=contact_id)
    if contact.is_erased:
        raise Refused("This person’s data was erased at their own wish. They can only come back by themselves.")
    if contact.suppressed_at is None:
        raise Refused("Mail to this address is not stopped.")
    contact.suppressed_at, contact.suppressed_reason = None, ""
    contact.save(update_fields=["suppressed_at", "suppressed_reason"])
    _record_contact(contact, "contact.allowed_again", "Mail to this address may be tried again", now=now, by=by)
    return contact


@transaction.atomic
def record_export(*, what: str, by: User, now: datetime) -> None:
    """Note that somebody took contacts out: they are personal data."""
    audit.record(
        chain=audit.INSTALLATION, verb="contacts.exported", subject="contacts", text=f"Exported {what}", by=by, now=now
    )


def _record_contact(contact: Contact, verb: str, text: str, *, now: datetime, by: User | None = None) -> None:
    audit.record(chain=audit.INSTALLATION, verb=verb, subject=f"contact:{contact.pk}", text=text, by=by, now=now)
