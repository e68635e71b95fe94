"""How each person is told what: their choice, and the lines that go to the team's chat."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from crisiscomms.models.people import User
from crisiscomms.models.records import Notice


class Way(models.TextChoices):
    MAIL = "mail", "By mail, at once"
    CHAT = "chat", "In the chat, at once"
    BOTH = "both", "By mail and in the chat, at once"
    DIGEST = "digest", "In the daily mail"
    BELL = "bell", "Only under the bell"


AT_ONCE = [Way.MAIL, Way.CHAT, Way.BOTH]
IN_CHAT = [Way.CHAT, Way.BOTH]


class NoticeChoice(models.Model):
    """How one person wants to be told, by urgency. Without a row the defaults count. The bell always shows all."""

    person = models.OneToOneField(User, on_delete=models.PROTECT, related_name="notice_choice")
    urgent = models.CharField(max_length=6, choices=Way, default=Way.MAIL)
    normal = models.CharField(max_length=6, choices=Way, default=Way.MAIL)
    quiet = models.CharField(max_length=6, choices=Way, default=Way.DIGEST)
    # What calls them in the chat, such as @ada.
    chat_name = models.CharField(max_length=64, blank=True)
    # From when on they get the digest also on days with nothing to report. None: on other days only.
    daily_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="notice_urgent_is_told_at_once", condition=Q(urgent__in=AT_ONCE)),
            models.CheckConstraint(
                name="notice_way_is_known", condition=Q(normal__in=Way.values, quiet__in=Way.values)
            ),
            models.CheckConstraint(
                name="notice_in_chat_calls_somebody",
                condition=~Q(chat_name="") | ~(Q(urgent__in=IN_CHAT) | Q(normal__in=IN_CHAT) | Q(quiet__in=IN_CHAT)),
            ),
        ]

    def __str__(self) -> str:
        return f"choice of {self.person_id}"


class ChatLine(models.Model):
    """A notice as one line in the team's chat: chosen by the person, or because its mail did not get through.

    One per notice, so nothing is said twice. Like the notice it holds no text.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        CLAIMED = "claimed", "Being posted"
        SENT = "sent", "Posted"
        SKIPPED = "skipped", "No longer needed"
        FAILED = "failed", "Failed"

    MOVES: ClassVar[dict[str, set[str]]] = {
        State.QUEUED: {State.CLAIMED},
        State.CLAIMED: {State.SENT, State.QUEUED, State.SKIPPED, State.FAILED},
        State.SENT: set(),
        State.SKIPPED: set(),
        # By an administrator's press.
        State.FAILED: {State.QUEUED},
    }

    notice = models.OneToOneField(Notice, on_delete=models.CASCADE, related_name="chat_line")
    is_second_way = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="chat_line_waiting_has_a_time",
                condition=Q(state__in=["queued", "claimed"], next_attempt_at__isnull=False)
                | Q(state__in=["sent", "skipped", "failed"], next_attempt_at=None),
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="chat_line_due", condition=Q(next_attempt_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"chat line of notice {self.notice_id}"
