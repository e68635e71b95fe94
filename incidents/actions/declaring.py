"""Declaring: the first minute of an incident."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max

from crisiscomms import audit, notices, policy
from crisiscomms.models import Role, User
from crisiscomms.refusal import Refused
from incidents import access, obligations
from incidents.actions.components import set_component_state
from incidents.models import Component, Incident, TeamMember


@transaction.atomic
def declare_incident(
    *,
    title: str,
    kind: str,
    severity: str,
    discovered_at: datetime,
    by: User,
    now: datetime,
    components: dict[int, str] | None = None,
    summary: str = "",
    began_at: datetime | None = None,
    restricted: bool = False,
    is_exercise: bool = False,
) -> Incident:
    """Open an incident, start its clocks and tell the team.

    `components` maps a component's id to its state. The clocks count from `discovered_at`, not from the press.
    Raises Refused when the moment lies in the future or the person may not declare.
    """
    access.require(by, "declare")
    _check(title, kind, severity, discovered_at, now)
    incident = Incident.objects.create(
        number=next_number(),
        title=title.strip(),
        summary=summary.strip(),
        kind=kind,
        severity=severity,
        restricted=restricted,
        is_exercise=is_exercise,
        discovered_at=discovered_at,
        began_at=min(began_at or discovered_at, discovered_at),
        declared_at=now,
        declared_by=by,
        lead=by,
        phase_since=now,
    )
    audit.record(
        chain=incident.chain,
        verb="incident.declared",
        subject=f"incident:{incident.pk}",
        text=f"Declared: {incident.title} ({incident.get_kind_display()}, {incident.get_severity_display()})",
        by=by,
        now=now,
    )
    # Before the components: of a restricted incident even its declarer sees nothing until they are let in.
    team = _assemble(incident, by, now)
    for component in Component.objects.filter(pk__in=components or {}):
        set_component_state(
            incident=incident, component=component, state=(components or {})[component.pk], by=by, now=now
        )
    obligations.renew(incident, by=by, now=now)
    notices.tell(team, kind="declared", key=incident.ref, now=now, incident=incident.pk)
    return incident


def _check(title: str, kind: str, severity: str, discovered_at: datetime, now: datetime) -> None:
    if not title.strip():
        raise Refused("Say what happened, as a customer would say it.")
    if kind not in Incident.Kind.values or severity not in Incident.Severity.values:
        raise Refused("Choose a kind and a severity from the list.")
    if discovered_at > now:
        raise Refused("The time of discovery lies in the future. Give the time when it was noticed.")
    if discovered_at < now - timedelta(days=366):
        raise Refused("The time of discovery lies more than a year back. Check the date.")


def next_number() -> int:
    """The first number that is free; nobody else takes one until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('incident number', 0))")
    highest = Incident.objects.aggregate(top=Max("number"))["top"]
    return (highest or 0) + 1


def who_is_told(severity: str, by: User, *, restricted: bool) -> list[tuple[User, str]]:
    """The team of the first minute: (person, role), the declarer first. A restricted incident starts alone
    with its declarer and the people of the security and legal roles.
    """
    roles = policy.current("incidents")["severities"][severity]["told_at_declaration"]
    if restricted:
        roles = [role for role in roles if role in (Role.SECURITY, Role.LEGAL)]
    team: dict[int, tuple[User, str]] = {by.pk: (by, by.roles[0])}
    for role in roles:
        for person in User.objects.with_role(role):
            team.setdefault(person.pk, (person, role))
    return list(team.values())


def _assemble(incident: Incident, by: User, now: datetime) -> list[User]:
    from incidents.actions.lifecycle import let_see

    team = who_is_told(incident.severity, by, restricted=incident.restricted)
    for person, role in team:
        TeamMember.objects.create(incident=incident, person=person, role=role, joined_at=now)
        let_see(incident=incident, person=person)
    return [person for person, _ in team]
