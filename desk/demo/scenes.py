"""The demo's incidents: each is a script of who did what and when, played by the real actions."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from crisiscomms.models import User
from delivery import actions as delivery
from delivery.models import Notification
from desk.demo import noticing, outward_scenes
from incidents import actions as incidents
from incidents import deadlines
from incidents.models import Component, Fact, Incident
from messaging import actions as messaging
from messaging.content import Content
from messaging.models import Message
from recovery import actions as recovery
from stakeholders import actions as stakeholders

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
Step = dict[str, Any]


def span(words: str) -> timedelta:
    """`2d 4h 30m` as a length of time."""
    return timedelta(**{UNITS[unit]: int(count) for count, unit in re.findall(r"(\d+)([dhms])", words)})


class Scene:
    """One incident: its script, and what has been made of it so far."""

    def __init__(self, data: dict[str, Any], *, team: dict[str, User], now: datetime) -> None:
        self.data, self.team = data, team
        self.begins = now - span(data["begins"])
        self.incident: Incident | None = None
        self.messages: dict[str, int] = {}

    def script(self) -> list[tuple[datetime, Step]]:
        """Every step with its moment; declaring, or watching, is the first. Writing takes a while, and time passes meanwhile."""
        script: list[tuple[datetime, Step]] = [(self.begins, {"do": self.data.get("opens", "declare")})]
        for step in self.data["steps"]:
            moment = self.begins + span(step["at"])
            script.append((moment, step))
            if step["do"] == "start":
                script.append((moment + span(step["takes"]), {**step, "do": "write"}))
        return script

    def play(self, step: Step, now: datetime) -> None:
        VERBS[step["do"]](self, step, now)

    def by(self, step: Step) -> User:
        """Who takes the step: named there, else whoever writes the message."""
        return self.team[step.get("by") or self.data["messages"][step["message"]]["by"]]

    def message(self, step: Step) -> Message:
        return Message.objects.get(pk=self.messages[step["message"]])

    def current(self) -> Incident:
        assert self.incident is not None
        self.incident.refresh_from_db()
        return self.incident


def _declare(scene: Scene, step: Step, now: datetime) -> None:
    facts = scene.data["incident"]
    components = Component.objects.filter(name__in=facts["affected"])
    scene.incident = incidents.declare_incident(
        **{name: facts[name] for name in ("title", "kind", "severity", "summary")},
        is_exercise=facts.get("is_exercise", False),
        began_at=now - span(facts["began"]),
        discovered_at=now - span(facts["discovered"]),
        components={one.pk: facts["affected"][one.name] for one in components},
        by=scene.team[facts["by"]],
        now=now,
    )


def _watch(scene: Scene, step: Step, now: datetime) -> None:
    facts = scene.data["incident"]
    components = Component.objects.filter(name__in=facts["affected"])
    scene.incident = incidents.open_watch_item(
        **{name: facts[name] for name in ("title", "kind", "severity", "summary")},
        noticed_at=now - span(facts["discovered"]),
        components={one.pk: facts["affected"][one.name] for one in components},
        by=scene.team[facts["by"]],
        now=now,
    )


def _start(scene: Scene, step: Step, now: datetime) -> None:
    """Take the draft that the clock has prepared, or begin one."""
    kind, incident = scene.data["messages"][step["message"]]["kind"], scene.current()
    message = incident.messages.unfinished().filter(kind=kind, created_by=None).first()
    if message is None:
        message = messaging.start_message(incident_id=incident.pk, kind=kind, by=scene.by(step), now=now)
    scene.messages[step["message"]] = message.pk


def _write(scene: Scene, step: Step, now: datetime) -> None:
    text = scene.data["messages"][step["message"]]
    written = {name: text[name] for name in text if name in Content.__dataclass_fields__}
    content = Content.from_data({**scene.message(step).working, "say": [], "dont_say": [], **written})
    promise = now + span(text["next_update"]) if "next_update" in text else None
    content.next_update_at = promise.replace(second=0, microsecond=0).isoformat() if promise else None
    messaging.edit_message(message_id=scene.messages[step["message"]], content=content, by=scene.by(step), now=now)


def _edit(scene: Scene, step: Step, now: datetime) -> None:
    edits = scene.data["messages"][step["message"]]["edits"]
    content = Content.from_data(scene.message(step).working)
    for edit in edits:
        before = getattr(content, edit["part"])
        if before.count(edit["find"]) != 1:
            raise LookupError(f"“{edit['find']}” does not stand once in {edit['part']} of {step['message']}.")
        setattr(content, edit["part"], before.replace(edit["find"], edit["replace"]))
    person = scene.team[edits[0]["by"]]
    messaging.edit_message(message_id=scene.messages[step["message"]], content=content, by=person, now=now)


def _ask(scene: Scene, step: Step, now: datetime) -> None:
    messaging.request_approval(message_id=scene.messages[step["message"]], by=scene.by(step), now=now)


def _decide(scene: Scene, step: Step, now: datetime) -> None:
    request = scene.message(step).requests.select_related("version").get(state="open")
    messaging.decide(
        request_id=request.pk,
        person=scene.by(step),
        verdict=step["verdict"],
        reason=step.get("reason", ""),
        fingerprint=request.version.fingerprint,
        proof="session",
        now=now,
    )


def _send(scene: Scene, step: Step, now: datetime) -> None:
    delivery.order_dispatch(message_id=scene.messages[step["message"]], by=scene.by(step), now=now)


def _disclose(scene: Scene, step: Step, now: datetime) -> None:
    incident = scene.current()
    incidents.decide_disclosure(
        incident_id=incident.pk, level=step["level"], seen=incident.disclosure, reason=step["reason"],
        by=scene.by(step), now=now,
    )  # fmt: skip


def _tick(scene: Scene, step: Step, now: datetime) -> None:
    incidents.tick_criterion(
        incident_id=scene.current().pk, key=step["key"], note=step["note"], by=scene.by(step), now=now
    )


def _milestone(scene: Scene, step: Step, now: datetime) -> None:
    incidents.reach_milestone(incident=scene.current(), kind=step["kind"], by=scene.by(step), now=now)


def _move(scene: Scene, step: Step, now: datetime) -> None:
    reason = step.get("waive", "")
    incidents.move_phase(incident_id=scene.current().pk, to=step["to"], by=scene.by(step), now=now, waive_reason=reason)


def _component(scene: Scene, step: Step, now: datetime) -> None:
    component = Component.objects.get(name=step["name"])
    incidents.set_component_state(
        incident=scene.current(), component=component, state=step["state"], by=scene.by(step), now=now
    )


def _fact(scene: Scene, step: Step, now: datetime) -> None:
    """Say what a fact is (a new one, where no question asks for it), confirm it, withdraw it, or ask for it."""
    incident, by = scene.current(), scene.by(step)
    fact = Fact.objects.filter(incident=incident, key=step["fact"]).first()
    said = {name: step[name] for name in ("value", "confidence", "source") if name in step}
    if "embargo" in step:
        said["embargo_until"] = now + span(step["embargo"])
    if fact is None:
        incidents.add_fact(incident_id=incident.pk, label=step["label"], **said, by=by, now=now)
        return
    if "ask" in step:
        incidents.ask_for_fact(fact_id=fact.pk, role=step["ask"], by=by, now=now)
    elif "withdraw" in step:
        incidents.withdraw_fact(fact_id=fact.pk, seen=fact.version, reason=step["withdraw"], by=by, now=now)
    elif not said:
        incidents.confirm_fact(fact_id=fact.pk, seen=fact.version, by=by, now=now)
    else:
        reason = step.get("reason", "")
        incidents.change_fact(fact_id=fact.pk, seen=fact.version, **said, reason=reason, by=by, now=now)


def _waive(scene: Scene, step: Step, now: datetime) -> None:
    deadlines.waive(incident=scene.current(), kind=step["clock"], reason=step["reason"], by=scene.by(step), now=now)


def _fulfil(scene: Scene, step: Step, now: datetime) -> None:
    deadline = scene.current().deadlines.open().get(kind=step["clock"], subject=step["subject"])
    incidents.meet_deadline(deadline_id=deadline.pk, note=step["note"], by=scene.by(step), now=now)


def _stand_down(scene: Scene, step: Step, now: datetime) -> None:
    incidents.stand_down(incident_id=scene.current().pk, reason=step["reason"], by=scene.by(step), now=now)


def _done(scene: Scene, step: Step, now: datetime) -> None:
    task = scene.current().recovery_tasks.get(key=step["task"])
    recovery.complete_task(task_id=task.pk, evidence=step["evidence"], by=scene.by(step), now=now)


def _assume(scene: Scene, step: Step, now: datetime) -> None:
    incidents.assume_role(incident_id=scene.current().pk, role=step["role"], by=scene.by(step), now=now)


def _give(scene: Scene, step: Step, now: datetime) -> None:
    incidents.hand_over_role(
        incident_id=scene.current().pk,
        role=step["role"],
        to=scene.team[step["to"]],
        note=step["note"],
        by=scene.by(step),
        now=now,
    )


def _hand_over(scene: Scene, step: Step, now: datetime) -> None:
    task = scene.current().recovery_tasks.get(key=step["task"])
    recovery.hand_over_task(task_id=task.pk, owner=scene.team[step["to"]], by=scene.by(step), now=now)


def _mails(scene: Scene, step: Step, state: str) -> list[int]:
    """The contacts whose mail of this message came to that end, in a stable order."""
    mails = Notification.objects.filter(dispatch__message=scene.messages[step["message"]], state=state)
    return list(mails.order_by("address").values_list("contact_id", flat=True))


def _unsubscribe(scene: Scene, step: Step, now: datetime) -> None:
    reached = _mails(scene, step, "sent")
    for contact_id in reached[:: max(len(reached) // step["count"], 1)][: step["count"]]:
        stakeholders.unsubscribe_contact(contact_id=contact_id, now=now, how="by the link in a mail")


def _suppress(scene: Scene, step: Step, now: datetime) -> None:
    for contact_id in _mails(scene, step, "failed"):
        stakeholders.suppress_contact(contact_id=contact_id, reason=step["reason"], now=now)


def _report(scene: Scene, step: Step, now: datetime) -> None:
    noticing.report(step, incident=scene.current(), by=scene.by(step), now=now)


def _alert(scene: Scene, step: Step, now: datetime) -> None:
    incident = None if step.get("free") else scene.current()
    noticing.alert(step, incident=incident, team=scene.team, now=now)


VERBS: dict[str, Callable[[Scene, Step, datetime], None]] = {
    "declare": _declare,
    "watch": _watch,
    "report": _report,
    "alert": _alert,
    "start": _start,
    "write": _write,
    "edit": _edit,
    "ask": _ask,
    "decide": _decide,
    "send": _send,
    "disclose": _disclose,
    "tick": _tick,
    "milestone": _milestone,
    "move": _move,
    "component": _component,
    "fact": _fact,
    "waive": _waive,
    "fulfil": _fulfil,
    "stand_down": _stand_down,
    "done": _done,
    "hand_over": _hand_over,
    "assume": _assume,
    "give": _give,
    "unsubscribe": _unsubscribe,
    "suppress": _suppress,
    **outward_scenes.VERBS,
}
