"""Who of a role owns something of an incident."""

from datetime import datetime

from crisiscomms.models import User
from incidents import access
from incidents.models import Incident


def of_role(incident: Incident, role: str, now: datetime) -> User:
    """Whoever has the role on the team and is not away, else in the company; the lead where nobody may work on it."""
    in_team = list(User.objects.with_role(role).filter(incident_roles__incident=incident).order_by("pk"))
    others = User.objects.with_role(role).exclude(pk__in=[one.pk for one in in_team]).order_by("pk")
    people = [person for person in [*in_team, *others[:20]] if access.may(person, "work", incident)]
    here = [person for person in people if not person.is_out(now)]
    return next(iter([*here, *people]), incident.lead)
