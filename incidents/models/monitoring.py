"""What others say about an incident: mentions, and what competitors make of it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from crisiscomms.models import User
from incidents.models.incident import Incident
from incidents.models.outward import LINK_IS_WEB


class MentionChannel(models.TextChoices):
    SOCIAL = "social", "Social network"
    FORUM = "forum", "Forum"
    REVIEW_SITE = "review_site", "Review site"
    PRESS = "press", "Press"
    ANALYST = "analyst", "Analyst"
    COMMUNITY = "customer_community", "Customer community"
    OTHER = "other", "Something else"


class MentionQuerySet(models.QuerySet["Mention"]):
    def visible_to(self, user: User) -> "MentionQuerySet":
        """Those of no incident are the workshop's; those of an incident, whoever may see it."""
        return self.filter(Q(incident=None) | Q(incident__in=Incident.objects.visible_to(user)))

    def counted(self) -> "MentionQuerySet":
        """Without what was struck out: noted twice, or not about us at all."""
        return self.filter(struck_at=None)

    def waiting(self) -> "MentionQuerySet":
        return self.counted().filter(needs_answer=True, answered_at=None)


class Mention(models.Model):
    """One thing that somebody outside said, where and how many may have read it."""

    class Sentiment(models.TextChoices):
        NEGATIVE = "negative", "Negative"
        NEUTRAL = "neutral", "Neutral"
        POSITIVE = "positive", "Positive"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, related_name="mentions")
    channel = models.CharField(max_length=20, choices=MentionChannel)
    where = models.CharField(max_length=120)
    link = models.CharField(max_length=500, blank=True)
    author = models.CharField(max_length=120, blank=True)
    sentiment = models.CharField(max_length=8, choices=Sentiment)
    reach = models.PositiveIntegerField(default=0)
    quote = models.TextField(blank=True)
    seen_at = models.DateTimeField()
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    noted_at = models.DateTimeField()
    needs_answer = models.BooleanField(default=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="mentions")
    answered_how = models.CharField(max_length=1000, blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    # Who said it, the words and the way to them were forgotten after their time; what is counted stays.
    forgotten_at = models.DateTimeField(null=True)
    # Counts its corrections: whoever corrects says which one they looked at.
    version = models.PositiveIntegerField(default=1, db_default=1)
    struck_at = models.DateTimeField(null=True)
    struck_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    struck_why = models.CharField(max_length=500, blank=True, db_default="")

    objects = MentionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="mention_links_to_the_web", condition=LINK_IS_WEB),
            models.CheckConstraint(
                name="mention_to_answer_has_an_owner_and_an_incident",
                condition=Q(needs_answer=False) | Q(owner__isnull=False, incident__isnull=False),
            ),
            models.CheckConstraint(
                name="mention_answered_by_somebody_somehow",
                condition=Q(answered_at=None, answered_by=None, answered_how="")
                | (Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answered_how="")),
            ),
            models.CheckConstraint(
                name="mention_struck_out_by_somebody_with_a_reason",
                condition=Q(struck_at=None, struck_by=None, struck_why="")
                | (Q(struck_at__isnull=False, struck_by__isnull=False) & ~Q(struck_why="")),
            ),
            models.CheckConstraint(
                name="mention_struck_out_waits_for_no_answer",
                condition=Q(struck_at=None) | Q(needs_answer=False) | Q(answered_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["incident", "seen_at"], name="mention_of_incident_in_time"),
            models.Index(fields=["seen_at", "id"], name="mention_in_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}, {self.where}"


class CompetitorReaction(models.Model):
    """What a competitor makes of our incident, and what we decided to do about it."""

    class Truth(models.TextChoices):
        UNKNOWN = "unknown", "Not checked yet"
        TRUE = "true", "True"
        PARTLY = "partly", "Partly true"
        FALSE = "false", "False"

    class Response(models.TextChoices):
        UNDECIDED = "undecided", "Not decided yet"
        NONE = "none", "Do nothing"
        TALKING_POINT = "talking_point", "Talking point for sales"
        CORRECTION = "correction", "Ask them to correct it"
        LEGAL = "legal", "Legal step"
        NO_COMMENT = "no_comment", "No comment when asked"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="competitor_reactions")
    competitor = models.CharField(max_length=120)
    what = models.CharField(max_length=500)
    channel = models.CharField(max_length=20, choices=MentionChannel)
    link = models.CharField(max_length=500, blank=True)
    seen_at = models.DateTimeField()
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    noted_at = models.DateTimeField()
    claim = models.CharField(max_length=500, blank=True)
    is_true = models.CharField(max_length=8, choices=Truth, default=Truth.UNKNOWN)
    response = models.CharField(max_length=14, choices=Response, default=Response.UNDECIDED)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_why = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        ordering = ["-seen_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="competitor_reaction_links_to_the_web", condition=LINK_IS_WEB),
            models.CheckConstraint(
                name="competitor_response_decided_by_name_and_with_a_reason",
                condition=Q(response="undecided", decided_by=None, decided_at=None, decided_why="")
                | (
                    ~Q(response="undecided")
                    & Q(decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(decided_why="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.competitor}: {self.what}"


class Correction(models.Model):
    """What a mention or a reaction said before it was corrected, and after: field → [before, after].

    The record says who corrected what, without the words of people outside. Those stand here only, where they are
    forgotten together with the mention.
    """

    mention = models.ForeignKey(Mention, on_delete=models.PROTECT, null=True, related_name="corrections")
    reaction = models.ForeignKey(CompetitorReaction, on_delete=models.PROTECT, null=True, related_name="corrections")
    # The version that came of it.
    version = models.PositiveIntegerField()
    changes = models.JSONField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.CheckConstraint(
                name="correction_is_of_one_thing",
                condition=Q(mention__isnull=False, reaction=None) | Q(mention=None, reaction__isnull=False),
            ),
            models.UniqueConstraint(fields=["mention", "version"], name="mention_corrected_once_per_version"),
            models.UniqueConstraint(fields=["reaction", "version"], name="reaction_corrected_once_per_version"),
        ]

    def __str__(self) -> str:
        return f"version {self.version}"


class ResponseTask(models.Model):
    """Something to do about a competitor's reaction. `key` names those that open by themselves, each once."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        DROPPED = "dropped", "Not needed any more"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.OPEN: {State.DONE, State.DROPPED},
        State.DONE: set(),
        State.DROPPED: set(),
    }

    reaction = models.ForeignKey(CompetitorReaction, on_delete=models.PROTECT, related_name="tasks")
    key = models.CharField(max_length=20, blank=True)
    title = models.CharField(max_length=160)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="response_tasks")
    due_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    outcome = models.CharField(max_length=500, blank=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["reaction", "key"], condition=~Q(key=""), name="response_task_opens_by_itself_once"
            ),
            models.CheckConstraint(
                name="response_task_ended_with_its_outcome",
                condition=Q(state="open", outcome="", done_by=None, done_at=None)
                | (Q(state__in=["done", "dropped"], done_by__isnull=False, done_at__isnull=False) & ~Q(outcome="")),
            ),
        ]

    def __str__(self) -> str:
        return self.title
