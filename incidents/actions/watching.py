"""Watch items: what smoulders is looked at in the open, before anybody has to declare it."""

from datetime import datetime

from django.db import transaction

from crisiscomms import audit, notices
from crisiscomms.models import Role, User
from crisiscomms.refusal import Refused
from incidents import abilities, access, decisions
from incidents.actions import roles
from incidents.actions.declaring import check_answers, open_incident, put_components
from incidents.actions.facts import open_checklist
from incidents.actions.lifecycle import let_see
from incidents.clock import obligations
from incidents.models import Incident, TeamMember


@transaction.atomic
def open_watch_item(
    *,
    title: str,
    kind: str,
    severity: str,
    noticed_at: datetime,
    by: User | None,
    now: datetime,
    summary: str = "",
    components: dict[int, str] | None = None,
    restricted: bool = False,
    is_exercise: bool = False,
) -> Incident:
    """Open a watch item: a room and a record for something that may become a crisis. Nobody outside is told.

    `severity` is what it would be if it were declared. `by=None` is a rule over signals: the first of product marketing
    leads it then, and all of product marketing is told. Raises Refused for answers that do not fit.
    """
    if by is not None:
        access.require(by, "declare")
    check_answers(title, kind, severity, noticed_at, now)
    lead = by or _first_marketer()
    incident = open_incident(
        phase=Incident.Phase.PRE_CRISIS,
        title=title.strip(),
        summary=summary.strip(),
        kind=kind,
        severity=severity,
        restricted=restricted,
        is_exercise=is_exercise,
        discovered_at=noticed_at,
        began_at=noticed_at,
        lead=lead,
        by=by,
        now=now,
    )
    audit.record(
        chain=incident.chain,
        verb="watch.opened",
        subject=f"incident:{incident.pk}",
        text=f"Watched: {incident.title} ({incident.get_kind_display()}, would be {incident.severity})",
        by=by,
        now=now,
    )
    roles.begin_lead(incident, by=by, now=now)
    _gather(incident, lead, now)
    put_components(incident, components or {}, by, now)
    obligations.renew(incident, by=by, now=now)
    open_checklist(incident=incident, by=by, now=now)
    watchers = [lead] if by else list(User.objects.with_role(Role.PRODUCT_MARKETING))
    told = [one for one in watchers if one != by and access.may(one, "view", incident)]
    notices.tell(told, kind="watched", key=incident.ref, now=now, incident=incident.pk)
    return incident


def _first_marketer() -> User:
    """Who leads what no person opened: of product marketing, who is longest here; else an administrator."""
    for role in (Role.PRODUCT_MARKETING, Role.ADMINISTRATOR):
        person = User.objects.with_role(role).order_by("date_joined", "pk").first()
        if person is not None:
            return person
    raise Refused("There is nobody of product marketing and no administrator who could watch it.")


def _gather(incident: Incident, lead: User, now: datetime) -> None:
    """Who watches, and security and legal where only its team may see it."""
    people = {lead.pk: (lead, lead.roles[0])}
    if incident.restricted:
        for person in User.objects.with_role(Role.SECURITY, Role.LEGAL):
            people.setdefault(person.pk, (person, person.roles[0]))
    for person, role in people.values():
        TeamMember.objects.create(incident=incident, person=person, role=role, joined_at=now)
        let_see(incident=incident, person=person)


def _is_watched(asked: abilities.Asked) -> str:
    return "" if asked.incident.is_watched else "It is declared already."


abilities.register(abilities.Ability("declare", "Declare the incident", _is_watched, decision=decisions.Kind.PROTOCOL))
