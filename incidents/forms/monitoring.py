"""What is typed about mentions and competitors."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from crisiscomms.forms import HIDDEN_SIGNS, OneLine
from crisiscomms.moments import MomentField
from incidents.actions.mentions import MOST_REACH
from incidents.forms.outward import OwnerField, WebLink, owners
from incidents.models import CompetitorReaction, Incident, Mention, MentionChannel


class Quote(forms.CharField):
    """Words of others, over several lines; signs that turn text around are taken out, as others put them there."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return "".join(sign for sign in text if sign in "\n\t" or not HIDDEN_SIGNS.match(sign))


class SeenForm(forms.Form):
    """A moment that cannot lie ahead; the minute of now counts as now."""

    seen_at = MomentField(label="Seen at")

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now

    def clean_seen_at(self) -> datetime:
        moment: datetime = self.cleaned_data["seen_at"]
        if moment.replace(second=0) > self.now:
            raise forms.ValidationError("This lies in the future. Give the time when it was seen.")
        return min(moment, self.now)


class MentionForm(SeenForm):
    channel = forms.ChoiceField(label="Channel", choices=MentionChannel)
    where = OneLine(label="Where: site, paper or group", max_length=120)
    sentiment = forms.ChoiceField(label="Sentiment", choices=Mention.Sentiment)
    reach = forms.IntegerField(
        label="How many may have read it",
        min_value=0,
        max_value=MOST_REACH,
        required=False,
        help_text="0 if nobody knows.",
    )
    link = WebLink(label="Link", required=False)
    author = OneLine(label="Who said it", max_length=120, required=False)
    quote = Quote(label="What they said", max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    needs_answer = forms.BooleanField(label="It needs an answer: somebody and a clock", required=False)
    owner = OwnerField(label="Who answers", required=False, empty_label="I do")
    field_order = (
        "channel",
        "where",
        "sentiment",
        "reach",
        "seen_at",
        "link",
        "author",
        "quote",
        "needs_answer",
        "owner",
    )

    def __init__(self, *args: Any, incident: Incident | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = owners(incident)  # type: ignore[attr-defined]
        if incident is None:
            del self.fields["needs_answer"], self.fields["owner"]

    def clean_reach(self) -> int:
        return self.cleaned_data["reach"] or 0


class CorrectingForm(forms.Form):
    """What was noted, to be put right. `seen` is the version that was looked at; a moment keeps its seconds."""

    seen = forms.IntegerField(min_value=1, max_value=1_000_000_000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, row: Mention | CompetitorReaction, **kwargs: Any) -> None:
        names = [name for name in self.base_fields if name != "seen" and hasattr(row, name)]
        initial = {name: getattr(row, name) for name in names} | {"seen": row.version}
        initial["seen_at"] = timezone.localtime(row.seen_at)
        super().__init__(*args, initial=initial, **kwargs)
        self.row = row

    def clean_seen_at(self) -> datetime:
        # As it was shown: to the minute, and in the hour that comes twice it says only one of the two.
        if str(self.data.get("seen_at", ""))[:16] == f"{timezone.localtime(self.row.seen_at):%Y-%m-%dT%H:%M}":
            return self.row.seen_at
        checked: datetime = super().clean_seen_at()  # type: ignore[misc]
        return checked


class CorrectMentionForm(CorrectingForm, MentionForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Asking for an answer is an act of its own.
        super().__init__(*args, incident=None, **kwargs)


class MentionActForm(forms.Form):
    act = forms.ChoiceField(choices=[(act, act) for act in ("answer", "leave", "ask", "attach", "move", "strike")])
    how = OneLine(max_length=1000, required=False)
    owner = OwnerField(required=False)
    incident = forms.IntegerField(required=False, min_value=1, max_value=999_999_999)

    def __init__(self, *args: Any, incident: Incident | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = owners(incident)  # type: ignore[attr-defined]


class ReactionForm(SeenForm):
    competitor = OneLine(label="Competitor", max_length=120)
    what = OneLine(label="What they do", max_length=500)
    channel = forms.ChoiceField(label="Channel", choices=MentionChannel)
    link = WebLink(label="Link", required=False)
    claim = OneLine(label="What they claim about us", max_length=500, required=False)
    is_true = forms.ChoiceField(
        label="Is it true", choices=CompetitorReaction.Truth, help_text="Where it is false, legal is asked by itself."
    )
    field_order = ("competitor", "what", "channel", "seen_at", "link", "claim", "is_true")


class CorrectReactionForm(CorrectingForm, ReactionForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Judged by name, beside what they do.
        del self.fields["claim"], self.fields["is_true"]


class JudgeForm(forms.Form):
    claim = OneLine(label="What they claim about us", max_length=500, required=False)
    is_true = forms.ChoiceField(label="Is it true", choices=CompetitorReaction.Truth)


class ResponseForm(forms.Form):
    response = forms.ChoiceField(
        label="How it is answered",
        # Nothing is chosen beforehand: a decision is made by a person.
        choices=[("", "Choose"), *(one for one in CompetitorReaction.Response.choices if one[0] != "undecided")],
        error_messages={"required": "Choose how it is answered."},
    )
    why = OneLine(label="Why", max_length=500)


class ResponseTaskForm(forms.Form):
    title = OneLine(label="What is to be done", max_length=160)
    owner = OwnerField(label="Owner")
    due_at = MomentField(label="Due at")

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = owners(incident)  # type: ignore[attr-defined]


class EndTaskForm(forms.Form):
    task = forms.IntegerField(min_value=1, max_value=999_999_999)
    outcome = OneLine(max_length=500, required=False)
    is_dropped = forms.BooleanField(required=False)
    owner = OwnerField(required=False)

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = owners(incident)  # type: ignore[attr-defined]
