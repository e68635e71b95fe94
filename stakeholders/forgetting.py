"""What contacts and imports hold about people outside, and how it is forgotten."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from crisiscomms import personal, retention
from stakeholders.imports import applying
from stakeholders.models import Contact, ErasedAddress, ImportChange, ImportRow, ImportRun, Membership

State = ImportRun.State
ERASED = "erased at their own wish"


# After its time: what an import that is over still keeps, and one that nobody decided on


def _old(before: datetime) -> QuerySet[ImportRun]:
    left = ImportRun.objects.filter(state=State.READY, worked_at__lt=before)
    return left | ImportRun.objects.over(before=before)


def _due(before: datetime) -> int:
    return ImportRow.objects.filter(run__in=_old(before)).count()


def _forget_some(before: datetime, now: datetime, limit: int) -> int:
    for run in _old(before).order_by("pk")[:200]:
        gone = retention.delete_some(ImportChange.objects.filter(run=run), limit)
        gone += retention.delete_some(ImportRow.objects.filter(run=run), limit - gone)
        if gone == limit:
            return gone
        if run.state == State.READY:
            # Nobody decided in all that time; without its rows there is nothing left to decide.
            run.state, run.finished_at = State.CANCELLED, now
        run.samples, run.forgotten_at = [], now
        run.save(update_fields=["state", "finished_at", "samples", "forgotten_at"])
        applying.forget_file(run)
        if gone:
            return gone
    return 0


retention.register(retention.Rule("imports", "Rows of imports", _due, _forget_some))


# Because a person asks


def _contact(person: personal.Person) -> QuerySet[Contact]:
    return Contact.objects.filter(Q(address=person.address) | Q(pk=person.contact_id))


def _held(person: personal.Person) -> list[dict[str, Any]]:
    fields = ("email", "external_id", "first_name", "last_name", "title", "phone", "language", "marketing_opt_out")
    times = ("unsubscribed_at", "suppressed_at", "updated_at")
    return [
        {
            **{name: getattr(contact, name) for name in (*fields, "suppressed_reason")},
            **{name: moment and moment.isoformat() for name in times for moment in [getattr(contact, name)]},
            "accounts": list(contact.accounts.order_by("pk").values_list("name", flat=True)),
        }
        for contact in _contact(person)
    ]


def _lock(person: personal.Person) -> None:
    """A list that is being frozen points at this row, so one of the two waits for the other."""
    list(_contact(person).select_for_update().order_by("pk"))


def _erase(person: personal.Person, now: datetime) -> int:
    """The row stays without anything of the person, because mails point at it; it is never written to again."""
    mark = personal.digest(person.address)
    found = list(_contact(person).select_for_update())
    for contact in found:
        if contact.is_erased:
            # Somebody pressed at the same time.
            continue
        ErasedAddress.objects.get_or_create(digest=personal.digest(contact.address), defaults={"erased_at": now})
        Membership.objects.filter(contact=contact).delete()
        for name in ("external_id", "first_name", "last_name", "title", "phone", "language"):
            setattr(contact, name, "")
        contact.email = contact.address = personal.digest(contact.address)
        contact.suppressed_at, contact.suppressed_reason = now, ERASED
        contact.updated_at = now
        contact.save()
    if not found and "@" in person.address:
        ErasedAddress.objects.get_or_create(digest=mark, defaults={"erased_at": now})
    return len(found)


def _rows(person: personal.Person) -> QuerySet[ImportRow]:
    """Rejected rows have no address of their own: what was typed stands in the data."""
    return ImportRow.objects.filter(Q(key=person.address) | personal.naming(person, "data"))


def _changes(person: personal.Person) -> QuerySet[ImportChange]:
    """What an undo would put back: their record as it was before an import."""
    theirs = Q(thing=ImportChange.Thing.CONTACT, thing_id=person.contact_id) | Q(was__address=person.address)
    places = Q(thing=ImportChange.Thing.MEMBERSHIP, was__contact_id=person.contact_id)
    return ImportChange.objects.filter(theirs | places)


def _held_rows(person: personal.Person) -> list[dict[str, Any]]:
    found = _rows(person).select_related("run").order_by("pk")
    rows = [{"file": row.run.name, "row": row.number, "data": row.data, "came_of_it": row.outcome} for row in found]
    before = _changes(person).select_related("run").order_by("pk")
    return rows + [{"file": one.run.name, "row": one.number, "before_the_import": one.was} for one in before]


def _working(person: personal.Person) -> str:
    busy = _rows(person).filter(run__state__in=[State.READY, *ImportRun.WORKING]).select_related("run")
    found = busy.first()
    return f"The import of “{found.run.name}” names this person. Finish or cancel it, and press again." if found else ""


def _erase_rows(person: personal.Person, _now: datetime) -> int:
    shown = ImportRun.objects.filter(personal.naming(person, "samples"))
    shown.update(samples=[])
    count: int = _changes(person).delete()[0] + _rows(person).delete()[0]
    return count


personal.register(
    personal.Holder(
        "contact",
        "Contact",
        _held,
        _erase,
        "Name, address, phone, title, language, their number in your CRM, and their place in accounts.",
        "A keyed digest of the address, which nobody can read back: it keeps an import from bringing them back unasked.",
        lock=_lock,
    )
)
personal.register(
    personal.Holder(
        "imports",
        "Imports",
        _held_rows,
        _erase_rows,
        "The rows of imported files that name them, and what an undo would have put back.",
        busy=_working,
    )
)
