"""Verbs of the outward side: what goes out by itself, what others say, what competitors make of it."""

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from desk import defaults
from incidents import actions, playbooks
from incidents.models import HaltItem, Product

if TYPE_CHECKING:
    from desk.demo.scenes import Scene

Step = dict[str, Any]


def _list(scene: "Scene", step: Step, now: datetime) -> None:
    """Write down what goes out by itself."""
    for item in step["activities"]:
        actions.add_activity(
            **{key: item.get(key, "") for key in ("name", "kind", "place", "link")},
            owner=scene.team[item["owner"]],
            products=Product.objects.filter(name__in=item.get("products", [])),
            by=scene.team[step["by"]],
            now=now,
        )


def _item(scene: "Scene", name: str) -> HaltItem:
    return HaltItem.objects.get(incident=scene.current(), name=name)


def _halt(scene: "Scene", step: Step, now: datetime) -> None:
    actions.halt_item(item_id=_item(scene, step["name"]).pk, by=scene.team[step["by"]], now=now)


def _leave(scene: "Scene", step: Step, now: datetime) -> None:
    item = _item(scene, step["name"])
    actions.leave_running(item_id=item.pk, reason=step["reason"], by=scene.team[step["by"]], now=now)


def _mention(scene: "Scene", step: Step, now: datetime) -> None:
    """Seen a few minutes before it is noted; answered at once where `answered` says how."""
    said = {
        key: step[key] for key in ("channel", "where", "sentiment", "link", "author", "quote", "reach") if key in step
    }
    by = scene.team[step["by"]]
    mention = actions.note_mention(
        incident_id=scene.current().pk, **said, seen_at=now - timedelta(minutes=step.get("ago", 2)),
        needs_answer="owner" in step, owner=scene.team[step["owner"]] if "owner" in step else None, by=by, now=now,
    )  # fmt: skip
    if "answered" in step:
        actions.answer_mention(mention_id=mention.pk, how=step["answered"], by=by, now=now)


def _competitor(scene: "Scene", step: Step, now: datetime) -> None:
    seen = {key: step[key] for key in ("competitor", "what", "channel", "link", "claim", "is_true") if key in step}
    actions.note_reaction(
        incident_id=scene.current().pk, **seen, seen_at=now - timedelta(minutes=1), by=scene.team[step["by"]], now=now
    )


def _playbooks(scene: "Scene", step: Step, now: datetime) -> None:
    """The shipped plans are taken over, and those that the step names get a line of the company's own."""
    defaults.load_playbooks(now=now)
    for own in step["own"]:
        last = playbooks.newest(own["kind"], own["severity"])
        assert last is not None
        sections = copy.deepcopy(last.sections)
        sections[own["section"]][own["field"]] += own["lines"]
        version = actions.write_playbook(
            kind=own["kind"], severity=own["severity"], sections=sections, base=last.number, reason=own["reason"],
            by=scene.team[step["by"]], now=now,
        )  # fmt: skip
        actions.agree_to_playbook(version_id=version.pk, by=scene.team[own["agreed_by"]], now=now)


def _plan_done(scene: "Scene", step: Step, now: datetime) -> None:
    task = scene.current().plan_tasks.get(title=step["title"])
    actions.complete_plan_task(task_id=task.pk, note=step.get("note", ""), by=scene.team[step["by"]], now=now)


VERBS: dict[str, Callable[["Scene", Step, datetime], None]] = {
    "list": _list,
    "halt": _halt,
    "leave_running": _leave,
    "mention": _mention,
    "competitor": _competitor,
    "playbooks": _playbooks,
    "plan_done": _plan_done,
}
