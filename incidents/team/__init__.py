"""Who is in an incident and does what there, read for pages, mails and other actions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from crisiscomms import policy
from crisiscomms.models import Role, User
from incidents import access
from incidents.models import Incident, RoleAssignment
from incidents.team import duty, ownership
from incidents.team.ownership import LEAD, RoleRule


def assignment(incident: Incident, role: str) -> RoleAssignment | None:
    """The open assignment of a role."""
    return incident.roles.open().filter(role=role).select_related("person__deputy").first()


def holder(incident: Incident, role: str) -> User | None:
    """Who holds a role now. An incident always has somebody who leads it."""
    found = assignment(incident, role)
    return found.person if found else incident.lead if role == LEAD else None


def owner_for(incident: Incident, kind: str, now: datetime) -> User:
    """Whose a deadline of this kind is: the holder of its role, else who is on duty for it, else the lead."""
    rule = next((one for one in ownership.roles() if kind in one.clocks), None)
    if rule is None:
        return incident.lead
    held = holder(incident, rule.key)
    if held is not None and held.is_active:
        return held
    able = [one for one in duty.people_on_duty(now, *rule.departments) if access.may(one, "work", incident)]
    return able[0] if able and incident.lead not in able else incident.lead


class Told(NamedTuple):
    """Somebody of the first minute, and why."""

    person: User
    role: str
    is_on_duty: bool = False
    stands_in_for: User | None = None


def first_team(severity: str, by: User, *, restricted: bool, now: datetime) -> list[Told]:
    """Everybody with the roles of the policy: the declarer, who is on duty, the others; deputies of who is away.

    A restricted incident starts alone with its declarer and the people of the security and legal roles.
    """
    roles = policy.current("incidents")["severities"][severity]["told_at_declaration"]
    if restricted:
        roles = [role for role in roles if role in (Role.SECURITY, Role.LEGAL)]
    slots = [slot for slot in duty.on_duty(now) if slot.role in roles]
    if restricted:
        # Whoever only stands in for a department is not of it.
        slots = [slot for slot in slots if slot.person.has_role(slot.role)]
    ready = {slot.person.pk for slot in slots}
    team = {by.pk: Told(by, by.roles[0], by.pk in ready)}
    for slot in sorted(slots, key=lambda one: roles.index(one.role)):
        team.setdefault(slot.person.pk, Told(slot.person, slot.role, True, slot.for_whom))
    for role in roles:
        for person in User.objects.with_role(role).select_related("deputy"):
            team.setdefault(person.pk, Told(person, role))
            deputy = stand_in(person, now)
            if deputy is not None and (deputy.has_role(*roles) if restricted else access.may(deputy, "view")):
                team.setdefault(deputy.pk, Told(deputy, _first(deputy), False, person))
    return list(team.values())


def stand_in(person: User, now: datetime) -> User | None:
    """Who is asked in the place of somebody who is away now."""
    deputy = person.deputy if person.is_out(now) else None
    return deputy if deputy is not None and deputy.is_active else None


def _first(person: User) -> str:
    return next(iter(person.roles), "")


def may_give(person: User, incident: Incident, held: User | None, now: datetime) -> bool:
    """Who may hand a role over: its holder, their deputy while they are away, the lead, and who may lead."""
    if not access.may(person, "work", incident):
        return False
    if held is not None and person in (held, stand_in(held, now)):
        return True
    return incident.lead_id == person.pk or access.may(person, "lead", incident)


def may_let_in(person: User, incident: Incident) -> bool:
    """Who may bring somebody into the team: of a restricted incident only who leads it or may lead."""
    if not access.may(person, "work", incident):
        return False
    return not incident.restricted or incident.lead_id == person.pk or access.may(person, "lead", incident)


@dataclass
class RoleLine:
    """A role in one incident, and what this person may do about it."""

    rule: RoleRule
    held: RoleAssignment | None
    holder: User | None
    may_assume: bool = False
    may_give: bool = False
    may_release: bool = False
    candidates: list[User] = field(default_factory=list)


@dataclass
class PersonLine:
    person: User
    department: str
    roles: list[str]
    is_on_duty: bool
    is_away: bool
    stands_in_for: User | None
    may_remove: bool


@dataclass
class ActivityLine:
    """An activity and who does it in this incident: the holder of its role, else people of the owning departments."""

    label: str
    role: str
    people: list[User]
    departments: str


@dataclass
class Part:
    """What one person has in an incident."""

    incident: Incident
    roles: list[str]
    is_on_team: bool


def for_room(incident: Incident, person: User, now: datetime) -> dict[str, object]:
    """Roles, people and activities of one incident, as this person may deal with them."""
    known = ownership.roles()
    held = {one.role: one for one in incident.roles.open().select_related("person__deputy")}
    members = list(incident.team.select_related("person__deputy", "stands_in_for").order_by("pk"))
    ready = {slot.person.pk for slot in duty.on_duty(now)}
    is_over = incident.phase == Incident.Phase.CLOSED
    works, leads = access.may(person, "work", incident), may_give(person, incident, None, now)
    lets_in = may_let_in(person, incident)
    people = [member.person for member in members]
    able = _able("work") if lets_in and not is_over else people
    lines = [_role_line(rule, held.get(rule.key), incident, person, now) for rule in known]
    for line in lines:
        line.may_assume = works and not is_over and line.holder is None and line.rule.may_hold(person)
        line.may_give = not is_over and (leads or line.may_give)
        line.may_release = line.may_give and line.holder is not None and line.rule.key != LEAD
        if line.may_give:
            line.candidates = [one for one in able if one != line.holder and line.rule.may_hold(one)]
    return {
        "role_lines": lines,
        "person_lines": [
            _person_line(one, held, known, ready, now, leads=(leads or one.person == person) and not is_over)
            for one in members
        ],
        "activity_lines": list(_activities(incident, held, known, people, ready)),
        "may_let_in": lets_in and not is_over,
        "may_be_added": [one for one in _able("view") if one not in people] if lets_in and not is_over else [],
    }


def _role_line(
    rule: RoleRule, held: RoleAssignment | None, incident: Incident, person: User, now: datetime
) -> RoleLine:
    who = held.person if held else incident.lead if rule.key == LEAD else None
    gives = who is not None and person in (who, stand_in(who, now)) and access.may(person, "work")
    return RoleLine(rule, held, who, may_give=gives)


def _person_line(
    member: object,
    held: dict[str, RoleAssignment],
    known: list[RoleRule],
    ready: set[int],
    now: datetime,
    *,
    leads: bool,
) -> PersonLine:
    person: User = member.person  # type: ignore[attr-defined]
    roles = [ownership.label_of(key, known) for key, one in held.items() if one.person == person]
    return PersonLine(
        person,
        member.get_role_display(),  # type: ignore[attr-defined]
        roles,
        person.pk in ready,
        person.is_out(now),
        member.stands_in_for,  # type: ignore[attr-defined]
        leads and LEAD not in {key for key, one in held.items() if one.person == person},
    )


def _activities(
    incident: Incident,
    held: dict[str, RoleAssignment],
    known: list[RoleRule],
    people: list[User],
    ready: set[int],
) -> Iterable[ActivityLine]:
    for one in ownership.activities():
        owners = one.departments("owns") + one.departments("co_owns")
        label = ownership.label_of(one.role, known)
        words = ", ".join(str(Role(department).label) for department in owners)
        if one.role in held:
            yield ActivityLine(one.label, label, [held[one.role].person], words)
            continue
        of_them = [person for person in people if person.has_role(*owners)]
        yield ActivityLine(one.label, "", [one for one in of_them if one.pk in ready] or of_them, words)


def part_of(incident: Incident, person: User) -> Part:
    """What this person has in this incident."""
    held = incident.roles.open().filter(person=person).values_list("role", flat=True)
    known = ownership.roles() if held else []
    return Part(
        incident, [ownership.label_of(role, known) for role in held], incident.team.filter(person=person).exists()
    )


def parts_of(person: User) -> list[Part]:
    """The live incidents in which somebody holds a role or is on the team, with their roles there first."""
    known = ownership.roles()
    live = Incident.objects.visible_to(person).live()
    mine = live.filter(pk__in=RoleAssignment.objects.open().filter(person=person).values("incident"))
    theirs = live.filter(team__person=person)
    found = {one.pk: one for one in [*mine, *theirs.order_by("-number")[:20]]}
    held: dict[int, list[str]] = {}
    for one in RoleAssignment.objects.open().filter(person=person, incident__in=found):
        held.setdefault(one.incident_id, []).append(ownership.label_of(one.role, known))
    parts = [Part(incident, held.get(pk, []), True) for pk, incident in found.items()]
    return sorted(parts, key=lambda part: (not part.roles, -part.incident.number))


def _able(act: str) -> list[User]:
    return list(User.objects.with_role(*access.MAY[act]).order_by("name", "pk"))
