"""What moves an incident, for programs: through the same actions as the buttons of the room."""

from collections.abc import Callable
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from crisiscomms.api import fields
from crisiscomms.api.idempotency import HEADER, once
from crisiscomms.api.views import Api, read
from incidents import abilities, access, actions
from incidents.api.incidents import AffectsSerializer, DeclareSerializer, IncidentSerializer, moment_of
from incidents.models import Component, Incident, Milestone

GLASS = "Why you decide without the right. Everybody is told, and it stays red in the record."


def _why(words: str) -> fields.Text:
    return fields.Text(max_length=1000, help_text=words)


def _glass() -> fields.Text:
    return fields.Text(required=False, allow_blank=True, max_length=1000, help_text=GLASS)


class MoveSerializer(fields.Strict):
    to = serializers.ChoiceField(choices=Incident.Phase.choices)
    reason = fields.Text(
        required=False, allow_blank=True, max_length=1000, help_text="Why criteria are waived, or why it goes back."
    )
    break_glass = _glass()


class ChangeSeveritySerializer(fields.Strict):
    severity = serializers.ChoiceField(choices=Incident.Severity.choices)
    reason = fields.Text(required=False, allow_blank=True, max_length=1000)
    break_glass = _glass()


class StandDownSerializer(fields.Strict):
    reason = _why("Why it is stood down.")
    break_glass = _glass()


class MilestoneSerializer(fields.Strict):
    kind = serializers.ChoiceField(choices=Milestone.Kind.choices)
    since = fields.Moment(required=False, help_text="When it was reached; now, if left out.")


class TickSerializer(fields.Strict):
    key = fields.OneLine(max_length=40, help_text="The key of a criterion that a person ticks.")
    note = _why("By what it is known that it holds.")


class AbilitySerializer(serializers.Serializer):
    key = serializers.CharField(read_only=True)
    act = serializers.CharField(source="label", read_only=True)
    may = serializers.BooleanField(read_only=True)
    why_not = serializers.CharField(read_only=True, help_text="Empty exactly when you may.")
    may_break_glass = serializers.BooleanField(read_only=True)


Act = Callable[[Incident, dict[str, Any], Request], Any]


def _act(name: str, body: type[serializers.Serializer], words: str, act: Act) -> Any:
    """A view for one act on one incident; the answer is the incident as it stands after it. `words` describe it."""

    @extend_schema(
        operation_id=f"incident_{name}", request=body, responses={200: IncidentSerializer}, description=words
    )
    def post(self: Api, request: Request, number: int) -> Response:
        incident = access.get_incident(request.user, number)
        act(incident, read(body, request), request)
        return Response(IncidentSerializer(access.get_incident(request.user, number)).data)

    return type(f"Act_{name}", (Api,), {"post": post, "__module__": __name__}).as_view()


def _phase(incident: Incident, sent: dict[str, Any], request: Request) -> None:
    actions.move_phase(
        incident_id=incident.pk,
        to=sent["to"],
        waive_reason=sent.get("reason", ""),
        break_glass=sent.get("break_glass", ""),
        by=request.user,
        now=request.now,
    )


def _severity(incident: Incident, sent: dict[str, Any], request: Request) -> None:
    actions.change_severity(incident_id=incident.pk, by=request.user, now=request.now, **sent)


def _stand_down(incident: Incident, sent: dict[str, Any], request: Request) -> None:
    actions.stand_down(incident_id=incident.pk, by=request.user, now=request.now, **sent)


def _milestone(incident: Incident, sent: dict[str, Any], request: Request) -> None:
    actions.reach_milestone(incident=incident, by=request.user, now=request.now, **_since(sent, request))


def _tick(incident: Incident, sent: dict[str, Any], request: Request) -> None:
    actions.tick_criterion(incident_id=incident.pk, by=request.user, now=request.now, **sent)


def _component(incident: Incident, sent: dict[str, Any], request: Request) -> None:
    component = Component.objects.in_use().filter(pk=sent["component"]).first()
    if component is None:
        raise serializers.ValidationError({"component": "There is no such component in use. See /components/."})
    told = {**_since(sent, request), "component": component}
    actions.set_component_state(incident=incident, by=request.user, now=request.now, **told)


def _since(sent: dict[str, Any], request: Request) -> dict[str, Any]:
    """With a moment that lies ahead by no more than clocks differ taken for now."""
    return {**sent, "since": moment_of(sent["since"], request.now)} if "since" in sent else sent


class ConditionSerializer(AffectsSerializer):
    state = serializers.ChoiceField(choices=["working", "degraded", "partial", "outage", "maintenance"])
    since = fields.Moment(required=False, help_text="From now on, if left out.")


class WatchItems(Api):
    @extend_schema(
        operation_id="watch_items_open",
        request=DeclareSerializer,
        responses={201: IncidentSerializer},
        parameters=[HEADER],
    )
    def post(self, request: Request) -> Response:
        """Open a watch item: a room and a record for what smoulders. No clock starts, and nobody outside is told."""
        access.page(request.user, "view")
        access.require(request.user, "declare")
        sent = read(DeclareSerializer, request)
        return once(
            request,
            lambda: self._open(request, sent),
            still=lambda body: access.get_incident(request.user, body["number"]),
        )

    def _open(self, request: Request, sent: dict[str, Any]) -> Response:
        sent["noticed_at"] = moment_of(sent.pop("discovered_at", None), request.now)
        sent.pop("began_at", None)
        incident = actions.open_watch_item(**sent, by=request.user, now=request.now)
        where = reverse("api:incident", args=[incident.number], request=request)
        return Response(IncidentSerializer(incident).data, status=201, headers={"Location": where})


def _declare(incident: Incident, sent: dict[str, Any], request: Request) -> None:
    sent["discovered_at"] = moment_of(sent.get("discovered_at"), request.now)
    actions.declare_incident(**sent, watch_item=incident, by=request.user, now=request.now)


class Abilities(Api):
    @extend_schema(operation_id="incidents_abilities", responses={200: AbilitySerializer(many=True)})
    def get(self, request: Request, number: int) -> Response:
        """What you may do with this incident now, and why not the rest."""
        incident = access.get_incident(request.user, number)
        answers = abilities.of(incident, request.user, request.now)
        return Response(AbilitySerializer(list(answers.values()), many=True).data)


ACTS = [
    ("declare", DeclareSerializer, "Make an incident of a watch item, under the same number.", _declare),
    ("phase", MoveSerializer, "Go to another phase.", _phase),
    ("severity", ChangeSeveritySerializer, "Change how severe it is; the open clocks are planned anew.", _severity),
    ("stand-down", StandDownSerializer, "It was a false alarm, or nothing came of it.", _stand_down),
    (
        "milestones",
        MilestoneSerializer,
        "Note that something was reached, now or at a time before. Safe to repeat.",
        _milestone,
    ),
    ("ticks", TickSerializer, "Say that a criterion holds which the product cannot look up.", _tick),
    ("components", ConditionSerializer, "Say in what state a component is now.", _component),
]

urlpatterns = [
    path("watch-items/", WatchItems.as_view(), name="watch_items"),
    path("incidents/<id:number>/abilities/", Abilities.as_view(), name="abilities"),
    *[
        path(f"incidents/<id:number>/{name}/", _act(name.replace("-", "_"), body, words, act), name=f"incident_{name}")
        for name, body, words, act in ACTS
    ],
]
