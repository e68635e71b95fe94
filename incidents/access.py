"""Who may see and touch incidents. Views get their objects here and nowhere else."""

from collections.abc import Callable

from django.http import Http404

from crisiscomms import presence
from crisiscomms.models import Role, User
from crisiscomms.refusal import NotAllowed
from incidents.models import Fact, Incident, Mention, RecordExport
from incidents.models.incident import WORKSHOP_ROLES

# Who comes near at all. Who decides what at which severity is narrower, and policy: see decisions.py.
MAY = {
    "view": {*WORKSHOP_ROLES, Role.EXECUTIVE},
    "declare": set(WORKSHOP_ROLES),
    "work": set(WORKSHOP_ROLES),
    "lead": {Role.PRODUCT_MARKETING, Role.PRODUCT, Role.SECURITY, Role.ADMINISTRATOR},
    "set_up": {Role.ADMINISTRATOR},
    "report": set(WORKSHOP_ROLES),
    "thresholds": {Role.PRODUCT_MARKETING, Role.ADMINISTRATOR},
    # Taking the record out. Product marketing may where it leads: see may_export.
    "export": {Role.LEGAL, Role.ADMINISTRATOR},
}
NAMES = {
    "declare": "declare an incident",
    "work": "work on an incident",
    "view": "see this incident",
    "lead": "waive what an incident owes",
    "set_up": "change what the organisation has set up",
    "report": "tell of signals",
    "thresholds": "change the rules over signals",
}


def may(user: User, act: str, incident: Incident | None = None) -> bool:
    if not user.is_authenticated or not user.has_role(*MAY[act]):
        return False
    return incident is None or sees(user, incident)


def sees(user: User, incident: Incident) -> bool:
    """Whether the incident is visible to this person. One that came from `get_incident` was asked about a moment ago;
    an action, which locks it anew, asks again.
    """
    if getattr(incident, "seen_by", None) == user.pk and user.is_active:
        return True
    return Incident.objects.visible_to(user).filter(pk=incident.pk).exists()


NO_EXPORT = "You may not take the record out. Legal and administrators may, and product marketing that leads it."


def may_export(user: User, incident: Incident) -> bool:
    """Take the record out: legal, administrators, and product marketing that leads this incident."""
    leads = incident.lead_id == user.pk and user.has_role(Role.PRODUCT_MARKETING)
    return may(user, "view", incident) and (leads or may(user, "export", incident))


def require_export(user: User, incident: Incident) -> None:
    if not may_export(user, incident):
        raise NotAllowed(NO_EXPORT)


def may_fetch(user: User, export: RecordExport, incident: Incident) -> bool:
    """A restricted record that two people let out is for the one of them who asked, and for administrators."""
    if export.state != RecordExport.State.DONE or not may_export(user, incident):
        return False
    return not incident.restricted or export.by_id == user.pk or user.has_role(Role.ADMINISTRATOR)


def get_export(user: User, incident: Incident, export_id: int) -> RecordExport:
    """An archive that this person may fetch, or 404 alike for every other."""
    export = incident.exports.filter(pk=export_id).first()
    if export is None or not may_fetch(user, export, incident):
        raise Http404
    return export


def get_printed_export(user: User, incident: Incident, export_id: int) -> RecordExport:
    """The same right as for the archive that holds it; 404 alike where there is no PDF in it."""
    export = get_export(user, incident, export_id)
    if not export.pdf_size:
        raise Http404
    return export


def roles_may(act: str) -> Callable[[list[str]], bool]:
    """A test of roles alone, whoever has them and whatever the incident."""
    return lambda roles: not MAY[act].isdisjoint(roles)


def require(user: User, act: str, incident: Incident | None = None) -> None:
    """Raise NotAllowed, naming who may, unless this person may. Called where the act happens."""
    if not may(user, act, incident):
        raise NotAllowed(refusal(act))


def refusal(act: str) -> str:
    """The sentence that says no, and names who may."""
    roles = ", ".join(sorted(str(Role(role).label) for role in MAY[act]))
    return f"You may not {NAMES.get(act, act)}. These roles may: {roles}."


def page(user: User, act: str) -> None:
    """404 for a page that this person has no business with; hidden and missing look alike."""
    if not may(user, act):
        raise Http404


def may_open(user: User, number: str) -> bool:
    """Whether somebody may open the room with this number, as it stands in an address."""
    return number.isdigit() and len(number) < 10 and Incident.objects.visible_to(user).filter(number=number).exists()


presence.register("incident", may_open)


def get_incident(user: User, number: int) -> Incident:
    """The incident, or 404 alike for one that is missing and one that is hidden."""
    visible = Incident.objects.visible_to(user).select_related("lead", "imported__imported_by")
    incident = visible.filter(number=number).first()
    if incident is None:
        raise Http404
    incident.seen_by = user.pk
    return incident


def sees_embargoed(user: User, incident: Incident) -> bool:
    """The workshop works with what must not be said yet; whoever only looks on sees it afterwards."""
    return may(user, "work", incident)


def get_fact(user: User, number: int, fact_id: int) -> Fact:
    """A fact of an incident that this person sees; 404 alike for one that is missing, hidden, or of another incident."""
    incident = get_incident(user, number)
    fact = incident.facts.select_related("updated_by", "confirmed_by").filter(pk=fact_id).first()  # type: ignore[attr-defined]
    if fact is None:
        raise Http404
    fact.incident = incident
    found: Fact = fact
    return found


def get_mention(user: User, mention_id: int) -> Mention:
    """The mention, or 404. Those of no incident are the workshop's."""
    found = Mention.objects.visible_to(user).select_related(
        "incident__lead", "owner", "seen_by", "answered_by", "struck_by"
    )
    mention = found.filter(pk=mention_id).first()
    if mention is None or (mention.incident is None and not may(user, "work")):
        raise Http404
    return mention
