"""An incident, its team, and how far it has come."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from crisiscomms.models import Role, User
from crisiscomms.search import Words

WORKSHOP_ROLES = [role for role in Role.values if role not in (Role.SALES, Role.EXECUTIVE)]


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, user: User) -> "IncidentQuerySet":
        """What this person may know to exist. The one scope that every page, export and search asks.

        Sellers see none (their window is the portal); executives see those they were asked about; a
        restricted incident is visible only to those who were let in by name.
        """
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.has_role(Role.ADMINISTRATOR):
            return self
        let_in = Q(granted__user=user, granted__permission__codename="view_incident")
        if user.has_role(*WORKSHOP_ROLES):
            named = Incident.objects.filter(let_in).values("pk")
            return self.filter(Q(restricted=False) | Q(pk__in=named))
        # Whoever was on a team and is a seller now sees it no longer.
        return (
            self.filter(pk__in=Incident.objects.filter(let_in).values("pk"))
            if user.has_role(Role.EXECUTIVE)
            else self.none()
        )

    def live(self) -> "IncidentQuerySet":
        """Declared and not closed."""
        return self.exclude(phase__in=[Incident.Phase.PRE_CRISIS, Incident.Phase.CLOSED])

    def watched(self) -> "IncidentQuerySet":
        """Watch items: smouldering, not declared."""
        return self.filter(phase=Incident.Phase.PRE_CRISIS)

    def real(self) -> "IncidentQuerySet":
        """Exercises stay out of figures and out of the public's sight."""
        return self.filter(is_exercise=False)

    def may_be_public(self) -> "IncidentQuerySet":
        return self.filter(restricted=False, is_exercise=False)


class Incident(models.Model):
    """Only actions change it. `restricted` and `is_exercise` are respected by every scope and by delivery.

    In the phase pre-crisis it is a watch item: it has a number, a room and a record, but nobody declared it, no clock
    towards customers runs, and nothing can be sent.
    """

    class Kind(models.TextChoices):
        SECURITY = "security_incident", "Security incident"
        DISRUPTION = "service_disruption", "Service disruption"
        COMPLIANCE = "compliance_failure", "Compliance failure"
        QUALITY = "product_quality", "Product quality"
        ETHICS = "ethics_controversy", "Ethics controversy"

    class Severity(models.TextChoices):
        CRITICAL = "critical", "Critical"
        MAJOR = "major", "Major"
        MINOR = "minor", "Minor"

    class Disclosure(models.TextChoices):
        MINIMAL = "minimal", "Minimal"
        SELECTIVE = "selective", "Selective"
        TRANSPARENT = "transparent", "Transparent"

    class Phase(models.TextChoices):
        PRE_CRISIS = "pre_crisis", "Pre-crisis"
        INITIAL_RESPONSE = "initial_response", "Initial response"
        MANAGEMENT = "management", "Management"
        RESOLUTION = "resolution", "Resolution"
        RECOVERY = "recovery", "Recovery"
        CLOSED = "closed", "Closed"

    MOVES: ClassVar[dict[str, set[str]]] = {
        Phase.PRE_CRISIS: {Phase.INITIAL_RESPONSE, Phase.CLOSED},
        Phase.INITIAL_RESPONSE: {Phase.MANAGEMENT, Phase.CLOSED},
        Phase.MANAGEMENT: {Phase.RESOLUTION, Phase.CLOSED},
        Phase.RESOLUTION: {Phase.RECOVERY, Phase.MANAGEMENT},
        Phase.RECOVERY: {Phase.CLOSED, Phase.MANAGEMENT},
        Phase.CLOSED: set(),
    }

    number = models.PositiveIntegerField(unique=True)
    title = models.CharField(max_length=160)
    summary = models.TextField(blank=True)
    kind = models.CharField(max_length=20, choices=Kind)
    severity = models.CharField(max_length=8, choices=Severity)
    phase = models.CharField(max_length=16, choices=Phase, default=Phase.INITIAL_RESPONSE)
    restricted = models.BooleanField(default=False)
    is_exercise = models.BooleanField(default=False)
    discovered_at = models.DateTimeField()
    began_at = models.DateTimeField()
    # When it came to exist here, as a watch item or declared at once. No person: a rule over signals opened it.
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    declared_at = models.DateTimeField(null=True)
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    lead = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="leads")
    phase_since = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    stood_down = models.BooleanField(default=False)
    # How much is said to whom. Empty until somebody with the right has decided.
    disclosure = models.CharField(max_length=11, choices=Disclosure, blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="incident_discovered_before_declared", condition=Q(discovered_at__lte=F("declared_at"))
            ),
            models.CheckConstraint(
                name="incident_declared_by_and_at_together",
                condition=Q(declared_at=None, declared_by=None)
                | Q(declared_at__isnull=False, declared_by__isnull=False),
            ),
            models.CheckConstraint(
                name="incident_declared_once_past_watching",
                condition=Q(phase="pre_crisis", declared_at=None)
                | (~Q(phase="pre_crisis") & Q(declared_at__isnull=False))
                | Q(phase="closed", stood_down=True),
            ),
            models.CheckConstraint(
                name="incident_closed_exactly_when_it_says_so",
                condition=Q(phase="closed", closed_at__isnull=False) | (~Q(phase="closed") & Q(closed_at=None)),
            ),
            models.CheckConstraint(
                name="incident_resolved_once_past_management",
                condition=Q(phase__in=["pre_crisis", "initial_response", "management"])
                | Q(resolved_at__isnull=False)
                | Q(stood_down=True),
            ),
        ]
        indexes = [GinIndex(Words("title", "summary"), name="incident_words")]

    def __str__(self) -> str:
        return f"{self.ref} {self.title}"

    @property
    def ref(self) -> str:
        return f"INC-{self.number}"

    @property
    def chain(self) -> str:
        """Its chain of records."""
        return self.ref

    @property
    def is_watched(self) -> bool:
        return self.phase == self.Phase.PRE_CRISIS

    @property
    def may_be_public(self) -> bool:
        return not self.restricted and not self.is_exercise


class TeamMember(models.Model):
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="team")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="incident_roles")
    role = models.CharField(max_length=20, choices=Role)
    joined_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "person"], name="person_joins_a_team_once")]

    def __str__(self) -> str:
        return f"{self.person} in {self.incident_id}"
