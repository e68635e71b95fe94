"""Mentions and competitors, for programs."""

from datetime import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from crisiscomms.api import fields, filtering
from crisiscomms.api.idempotency import HEADER, once
from crisiscomms.api.views import Api, ApiDetail, ApiList, on_front_page, read
from crisiscomms.refusal import Refused
from incidents import access, actions
from incidents.actions.mentions import MOST_REACH
from incidents.api.facts import SeenSerializer
from incidents.api.incidents import CLOCKS_DIFFER
from incidents.api.outward import Link, Owner, made_once
from incidents.models import CompetitorReaction, Incident, Mention, MentionChannel, ResponseTask


def _seen(sent: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Now, where it is left out."""
    return _not_ahead({"seen_at": now, **sent}, now)


def _not_ahead(sent: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Now, where the other clock is a little ahead."""
    seen = sent.get("seen_at")
    return {**sent, "seen_at": now} if seen is not None and now < seen <= now + CLOCKS_DIFFER else sent


class MentionSerializer(serializers.ModelSerializer):
    incident = serializers.IntegerField(source="incident.number", read_only=True, allow_null=True, default=None)
    seen_by = fields.Person(read_only=True)
    owner = fields.Person(read_only=True, allow_null=True)
    answered_by = fields.Person(read_only=True, allow_null=True)
    struck_by = fields.Person(read_only=True, allow_null=True)

    class Meta:
        model = Mention
        fields = [
            *("id", "incident", "channel", "where", "link", "author", "sentiment", "reach", "quote", "seen_at"),
            *("seen_by", "needs_answer", "owner", "answered_how", "answered_at", "answered_by", "forgotten_at"),
            *("version", "struck_at", "struck_by", "struck_why"),
        ]
        read_only_fields = fields


class MentionBody(fields.Strict):
    incident = fields.Key(required=False, help_text="Its number. Left out: of no incident yet.")
    channel = serializers.ChoiceField(choices=MentionChannel.choices)
    where = fields.OneLine(max_length=120, help_text="The name of the site, paper or group.")
    sentiment = serializers.ChoiceField(choices=Mention.Sentiment.choices)
    link = Link(required=False, allow_blank=True)
    author = fields.OneLine(required=False, allow_blank=True, max_length=120)
    reach = serializers.IntegerField(required=False, min_value=0, max_value=MOST_REACH)
    quote = fields.Text(required=False, allow_blank=True, max_length=2000)
    seen_at = fields.Moment(required=False, help_text="Now, if left out.")
    needs_answer = fields.Flag(required=False)
    owner = Owner(required=False, help_text="Who answers; whoever notes it, if left out.")


class CorrectMentionBody(SeenSerializer):
    """What is left out stays as it is."""

    channel = serializers.ChoiceField(choices=MentionChannel.choices, required=False)
    where = fields.OneLine(required=False, max_length=120)
    sentiment = serializers.ChoiceField(choices=Mention.Sentiment.choices, required=False)
    link = Link(required=False, allow_blank=True)
    author = fields.OneLine(required=False, allow_blank=True, max_length=120)
    reach = serializers.IntegerField(required=False, min_value=0, max_value=MOST_REACH)
    quote = fields.Text(required=False, allow_blank=True, max_length=2000)
    seen_at = fields.Moment(required=False)


class MentionFilters(django_filters.FilterSet):
    incident = filtering.Key(field_name="incident__number", help_text="The number of an incident.")
    channel = django_filters.ChoiceFilter(choices=MentionChannel.choices)
    sentiment = django_filters.ChoiceFilter(choices=Mention.Sentiment.choices)
    waiting = filtering.yes_or_no(method="by_answer", help_text="Needs an answer and has none yet.")
    struck = filtering.yes_or_no(method="by_strike", help_text="Struck out: it counts nowhere any more.")

    class Meta:
        model = Mention
        fields: list[str] = []

    def by_answer(self, found: Any, name: str, wanted: bool) -> Any:
        waiting = found.waiting()
        return waiting if wanted else found.exclude(pk__in=waiting.values("pk"))

    def by_strike(self, found: Any, name: str, wanted: bool) -> Any:
        return found.filter(struck_at__isnull=not wanted)


class Mentions(ApiList):
    """The monitoring log, newest first: mentions of incidents that you can see, and of none."""

    queryset = Mention.objects.none()
    serializer_class = MentionSerializer
    filterset_class = MentionFilters
    order = ("-seen_at", "-pk")

    def get_queryset(self) -> QuerySet[Mention]:
        access.page(self.request.user, "work")
        seen = Mention.objects.visible_to(self.request.user)
        return seen.select_related("incident", "seen_by", "owner", "answered_by", "struck_by")

    @extend_schema(
        operation_id="mentions_note", request=MentionBody, responses={201: MentionSerializer}, parameters=[HEADER],
        filters=False,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Note what somebody outside said."""
        access.page(request.user, "work")
        sent = _seen(read(MentionBody, request), request.now)
        number = sent.pop("incident", None)
        incident = access.get_incident(request.user, number) if number else None
        return once(
            request,
            lambda: self._note(request, sent, incident),
            still=lambda body: access.get_mention(request.user, body["id"]),
        )

    def _note(self, request: Request, sent: dict[str, Any], incident: Incident | None) -> Response:
        row = actions.note_mention(
            incident_id=incident.pk if incident else None, **sent, by=request.user, now=request.now
        )
        where = reverse("api:mention", args=[row.pk], request=request)
        return Response(MentionSerializer(row).data, status=201, headers={"Location": where})


class MentionActBody(fields.Strict):
    act = serializers.ChoiceField(choices=["answer", "leave", "ask", "attach", "move", "strike"])
    how = fields.OneLine(
        required=False, allow_blank=True, max_length=1000, help_text="How, or why not; for `strike`: why."
    )
    owner = Owner(required=False, help_text="For `ask`: who answers; you, if left out.")
    incident = fields.Key(required=False, help_text="For `attach` and `move`: the number of the incident.")


class OneMention(ApiDetail):
    """One mention."""

    serializer_class = MentionSerializer

    def get_object(self) -> Mention:
        return access.get_mention(self.request.user, self.kwargs["mention_id"])

    @extend_schema(operation_id="mention_act", request=MentionActBody, responses={200: MentionSerializer})
    def post(self, request: Request, mention_id: int) -> Response:
        """Note how it was answered, that it needs no answer, or who gives one; put it elsewhere; strike it out."""
        row = self.get_object()
        access.require(request.user, "work", row.incident)
        done = _act(request, row, read(MentionActBody, request))
        return Response(MentionSerializer(done).data)

    @extend_schema(operation_id="mention_correct", request=CorrectMentionBody, responses={200: MentionSerializer})
    def patch(self, request: Request, mention_id: int) -> Response:
        """Correct what was noted; a version that was overtaken is refused as a conflict."""
        row = self.get_object()
        access.require(request.user, "work", row.incident)
        sent = _not_ahead(read(CorrectMentionBody, request), request.now)
        done = actions.correct_mention(mention_id=row.pk, **sent, by=request.user, now=request.now)
        return Response(MentionSerializer(done).data)


def _act(request: Request, row: Mention, sent: dict[str, Any]) -> Mention:
    who: dict[str, Any] = {"mention_id": row.pk, "by": request.user, "now": request.now}
    act, how = sent["act"], sent.get("how", "")
    if act in ("attach", "move"):
        if "incident" not in sent:
            raise Refused("Say which incident it belongs to.")
        incident = access.get_incident(request.user, sent["incident"])
        put = actions.attach_mention if act == "attach" else actions.move_mention
        return put(incident_id=incident.pk, **who)
    if act == "ask":
        return actions.ask_for_answer(owner=sent.get("owner") or request.user, **who)
    if act == "answer":
        return actions.answer_mention(how=how, **who)
    end = actions.leave_unanswered if act == "leave" else actions.strike_mention
    return end(reason=how, **who)


class TaskSerializer(serializers.ModelSerializer):
    owner = fields.Person(read_only=True)
    done_by = fields.Person(read_only=True, allow_null=True)

    class Meta:
        model = ResponseTask
        fields = ["id", "key", "title", "owner", "due_at", "state", "outcome", "done_by", "done_at"]
        read_only_fields = fields


class ReactionSerializer(serializers.ModelSerializer):
    seen_by = fields.Person(read_only=True)
    decided_by = fields.Person(read_only=True, allow_null=True)
    tasks = serializers.SerializerMethodField()

    class Meta:
        model = CompetitorReaction
        fields = [
            *("id", "competitor", "what", "channel", "link", "seen_at", "seen_by", "claim", "is_true"),
            *("response", "decided_why", "decided_by", "decided_at", "tasks", "version"),
        ]
        read_only_fields = fields

    @extend_schema_field(TaskSerializer(many=True))
    def get_tasks(self, reaction: CompetitorReaction) -> Any:
        return TaskSerializer(reaction.tasks.all(), many=True).data


class ReactionBody(fields.Strict):
    competitor = fields.OneLine(max_length=120)
    what = fields.OneLine(max_length=500, help_text="What they do.")
    channel = serializers.ChoiceField(choices=MentionChannel.choices)
    link = Link(required=False, allow_blank=True)
    seen_at = fields.Moment(required=False, help_text="Now, if left out.")
    claim = fields.OneLine(required=False, allow_blank=True, max_length=500)
    is_true = serializers.ChoiceField(choices=CompetitorReaction.Truth, required=False)


class CorrectReactionBody(SeenSerializer):
    """What is left out stays as it is. What they claim is judged on the site."""

    competitor = fields.OneLine(required=False, max_length=120)
    what = fields.OneLine(required=False, max_length=500, help_text="What they do.")
    channel = serializers.ChoiceField(choices=MentionChannel.choices, required=False)
    link = Link(required=False, allow_blank=True)
    seen_at = fields.Moment(required=False)


class Reactions(ApiList):
    """What competitors make of an incident, newest first."""

    queryset = CompetitorReaction.objects.none()
    serializer_class = ReactionSerializer
    order = ("-seen_at", "-pk")

    def get_queryset(self) -> QuerySet[CompetitorReaction]:
        incident = access.get_incident(self.request.user, self.kwargs["number"])
        found = incident.competitor_reactions.select_related("seen_by", "decided_by")
        return found.prefetch_related("tasks__owner", "tasks__done_by")

    @extend_schema(
        operation_id="competitors_note", request=ReactionBody, responses={201: ReactionSerializer}, parameters=[HEADER],
        filters=False,
    )  # fmt: skip
    def post(self, request: Request, number: int) -> Response:
        """Note a reaction: whoever decides is asked, and legal where the claim is false."""
        incident = access.get_incident(request.user, number)
        access.require(request.user, "work", incident)
        sent = _seen(read(ReactionBody, request), request.now)
        return made_once(
            request,
            incident,
            ReactionSerializer,
            lambda: actions.note_reaction(incident_id=incident.pk, **sent, by=request.user, now=request.now),
        )


class ResponseBody(fields.Strict):
    response = serializers.ChoiceField(
        choices=[one for one in CompetitorReaction.Response.values if one != "undecided"]
    )
    why = fields.OneLine(max_length=500)


class OneReaction(ApiDetail):
    """One reaction of a competitor, with its tasks."""

    serializer_class = ReactionSerializer

    def get_object(self) -> CompetitorReaction:
        incident = access.get_incident(self.request.user, self.kwargs["number"])
        found = incident.competitor_reactions.select_related("seen_by", "decided_by")
        return get_object_or_404(found, pk=self.kwargs["reaction_id"])

    @extend_schema(operation_id="competitor_decide", request=ResponseBody, responses={200: ReactionSerializer})
    def post(self, request: Request, number: int, reaction_id: int) -> Response:
        """Decide how it is answered."""
        row = self.get_object()
        access.require(request.user, "work", row.incident)
        sent = read(ResponseBody, request)
        row = actions.decide_response(reaction_id=row.pk, **sent, by=request.user, now=request.now)
        return Response(ReactionSerializer(row).data)

    @extend_schema(operation_id="competitor_correct", request=CorrectReactionBody, responses={200: ReactionSerializer})
    def patch(self, request: Request, number: int, reaction_id: int) -> Response:
        """Correct what was noted; a version that was overtaken is refused as a conflict."""
        row = self.get_object()
        access.require(request.user, "work", row.incident)
        sent = _not_ahead(read(CorrectReactionBody, request), request.now)
        done = actions.correct_reaction(reaction_id=row.pk, **sent, by=request.user, now=request.now)
        return Response(ReactionSerializer(done).data)


class TaskBody(fields.Strict):
    title = fields.OneLine(max_length=160)
    owner = Owner(help_text="Their id.")
    due_at = fields.Moment()


class ReactionTasks(Api):
    """What is to be done about one reaction."""

    @extend_schema(
        operation_id="competitor_task_add", request=TaskBody, responses={201: TaskSerializer}, parameters=[HEADER]
    )
    def post(self, request: Request, number: int, reaction_id: int) -> Response:
        """Add a task with an owner and a clock."""
        incident = access.get_incident(request.user, number)
        row = get_object_or_404(incident.competitor_reactions, pk=reaction_id)
        access.require(request.user, "work", incident)
        sent = read(TaskBody, request)
        return made_once(
            request,
            incident,
            TaskSerializer,
            lambda: actions.add_response_task(reaction_id=row.pk, **sent, by=request.user, now=request.now),
        )


class EndBody(fields.Strict):
    outcome = fields.OneLine(max_length=500)
    is_dropped = fields.Flag(required=False, help_text="It is not needed any more, and the outcome says why.")


class ReactionTask(Api):
    """One task about a reaction."""

    @extend_schema(operation_id="competitor_task_end", request=EndBody, responses={200: TaskSerializer})
    def post(self, request: Request, number: int, response_id: int) -> Response:
        """Done with what came of it, or dropped with the reason."""
        incident = access.get_incident(request.user, number)
        task = get_object_or_404(ResponseTask, pk=response_id, reaction__incident=incident)
        access.require(request.user, "work", incident)
        sent = read(EndBody, request)
        done = actions.end_response_task(task_id=task.pk, **sent, by=request.user, now=request.now)
        return Response(TaskSerializer(done).data)


on_front_page("mentions", "api:mentions", lambda user: access.may(user, "work"))

urlpatterns = [
    path("mentions/", Mentions.as_view(), name="mentions"),
    path("mentions/<id:mention_id>/", OneMention.as_view(), name="mention"),
    path("incidents/<id:number>/competitors/", Reactions.as_view(), name="competitors"),
    path("incidents/<id:number>/competitors/<id:reaction_id>/", OneReaction.as_view(), name="competitor"),
    path("incidents/<id:number>/competitors/<id:reaction_id>/tasks/", ReactionTasks.as_view(), name="competitor_tasks"),
    path("incidents/<id:number>/response-tasks/<id:response_id>/", ReactionTask.as_view(), name="response_task"),
]
