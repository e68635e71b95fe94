"""Whoever loses access, or the roles for what they hold, leaves nothing alone and takes no key along."""

from datetime import datetime

from crisiscomms import audit, handover, invitations, ways_in
from crisiscomms.handover import Holding
from crisiscomms.models import User
from crisiscomms.refusal import Refused


def check(person: User, *, roles: list[str], stays: bool, successor: User | None) -> list[tuple[Holding, int]]:
    """What has to pass to `successor` when these roles are left, or no access. Raises Refused when nobody takes it."""
    held = handover.lost_with(person, roles) if stays else handover.held_by(person)
    if held and successor is None:
        words = ", ".join(f"{count} {holding.words}" for holding, count in held)
        raise Refused(f"{person.name} holds {words}. Choose who takes that over.")
    if successor is not None and (successor.pk == person.pk or not successor.is_active):
        raise Refused("Choose somebody else, who has access, to take over.")
    return held


def depart(person: User, *, roles: list[str], stays: bool, successor: User | None, by: User, now: datetime) -> None:
    """Pass on what `person`, who has to be locked, may not hold any more. Who goes loses every way in."""
    held = check(person, roles=roles, stays=stays, successor=successor)
    if held and successor is not None:
        given = handover.pass_on(held, person=person, to=successor, by=by, now=now)
        _say(person, f"{person.name} handed over to {successor.name}: {given}", by, now)
    if not stays:
        person.is_active = False
        invitations.withdraw_all(person, now)
        ways_in.end_all(person=person, by=by, now=now)


def _say(person: User, text: str, by: User, now: datetime) -> None:
    subject = f"person:{person.pk}"
    audit.record(chain=audit.INSTALLATION, verb="person.handed_over", subject=subject, text=text, by=by, now=now)
