"""What a person owns of the outward side, and how it passes to another when they lose access."""

from datetime import datetime

from django.db.models import QuerySet

from crisiscomms import audit, handover
from crisiscomms.models import User
from incidents import access
from incidents.actions.lifecycle import let_see, lock_incident
from incidents.models import HaltItem, Incident, Mention, OutwardActivity, ResponseTask


def _items(person: User) -> QuerySet[HaltItem]:
    return HaltItem.objects.unsettled().filter(owner=person)


def _mentions(person: User) -> QuerySet[Mention]:
    return Mention.objects.waiting().filter(owner=person)


def _tasks(person: User) -> QuerySet[ResponseTask]:
    return ResponseTask.objects.filter(owner=person, state=ResponseTask.State.OPEN)


def _count(person: User) -> int:
    activities = OutwardActivity.objects.filter(owner=person, is_active=True)
    return activities.count() + _items(person).count() + _mentions(person).count() + _tasks(person).count()


def _pass_on(*, person: User, to: User, by: User, now: datetime) -> None:
    """The clocks pass with the other deadlines of the person; here is what they belong to."""
    moved = OutwardActivity.objects.filter(owner=person, is_active=True).update(owner=to)
    if moved:
        text = f"{moved} on the list of what goes out by itself: {to.name} owns them now, in place of {person.name}"
        audit.record(chain=audit.INSTALLATION, verb="outward.owner", subject="outward", text=text, by=by, now=now)
    incidents = {*_items(person).values_list("incident", flat=True)}
    incidents |= {*_mentions(person).values_list("incident", flat=True)}
    incidents |= {*_tasks(person).values_list("reaction__incident", flat=True)}
    for pk in sorted(one for one in incidents if one):
        _in(lock_incident(pk), person=person, to=to, by=by, now=now)


def _in(incident: Incident, *, person: User, to: User, by: User, now: datetime) -> None:
    if not access.may(to, "view", incident):
        let_see(incident=incident, person=to)
    count = _items(person).filter(incident=incident).update(owner=to)
    count += _mentions(person).filter(incident=incident).update(owner=to)
    count += _tasks(person).filter(reaction__incident=incident).update(owner=to)
    kinds = ["halt", "resume", "mention", "response"]
    incident.deadlines.open().filter(owner=person, kind__in=kinds).update(owner=to)
    text = f"{count} checks and answers of {person.name} are {to.name}’s now"
    audit.record(chain=incident.chain, verb="outward.owner", subject=incident.ref, text=text, by=by, now=now)


handover.register(
    handover.Holding("outward", "campaigns, checks and answers they own", _count, _pass_on, access.roles_may("work"))
)
