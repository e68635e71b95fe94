"""The rules over signals: written, put in order, switched on and off. Every change is a version."""

from datetime import datetime
from typing import Any

from django.db import transaction

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from incidents.models import Component, ThresholdRule, ThresholdRuleVersion
from incidents.noticing import proposals, thresholds

MOST_RULES = 100


@transaction.atomic
def add_threshold_rule(*, name: str, data: dict[str, Any], by: User, now: datetime) -> ThresholdRule:
    """A new rule, last in order and switched off, so that it can be tried first."""
    proposals.require_edit(by)
    data = _checked(data)
    rules = list(ThresholdRule.objects.select_for_update().order_by("position", "pk"))
    if len(rules) >= MOST_RULES:
        raise Refused(f"There are {MOST_RULES} rules already. Change one that is not needed any more.")
    _free(name)
    last = rules[-1].position + 1 if rules else 0
    rule = ThresholdRule.objects.create(name=name.strip(), position=last, data=data)
    _version(rule, by, now)
    _say(rule, "added", f"Threshold “{rule.name}” added", by, now)
    return rule


@transaction.atomic
def change_threshold_rule(
    *, rule_id: int, base: int, name: str, data: dict[str, Any], by: User, now: datetime
) -> ThresholdRule:
    """`base` is the version that was looked at. Raises Conflict when somebody else was first."""
    proposals.require_edit(by)
    data = _checked(data)
    rule = ThresholdRule.objects.select_for_update().get(pk=rule_id)
    if rule.version != base:
        raise Conflict(f"Somebody changed this rule meanwhile: it is version {rule.version} now, you saw {base}.")
    if (rule.name, rule.data) == (name.strip(), data):
        return rule
    if rule.name != name.strip():
        _free(name)
    rule.name, rule.data, rule.version = name.strip(), data, rule.version + 1
    rule.save(update_fields=["name", "data", "version"])
    _version(rule, by, now)
    _say(rule, "changed", f"Threshold “{rule.name}” changed to version {rule.version}", by, now)
    return rule


@transaction.atomic
def switch_threshold_rule(*, rule_id: int, is_on: bool, by: User, now: datetime) -> ThresholdRule:
    proposals.require_edit(by)
    rule = ThresholdRule.objects.select_for_update().get(pk=rule_id)
    if rule.is_on != is_on:
        rule.is_on = is_on
        rule.save(update_fields=["is_on"])
        _say(rule, "switched", f"Threshold “{rule.name}” is {'on' if is_on else 'off'}", by, now)
    return rule


@transaction.atomic
def raise_threshold_rule(*, rule_id: int, by: User, now: datetime) -> ThresholdRule:
    """One place up: it is asked before the one above it."""
    proposals.require_edit(by)
    rules = list(ThresholdRule.objects.select_for_update().order_by("position", "pk"))
    here = next(place for place, one in enumerate(rules) if one.pk == rule_id)
    rule = rules[here]
    if here:
        rules[here - 1 : here + 1] = [rules[here], rules[here - 1]]
        for place, one in enumerate(rules):
            one.position = place
        ThresholdRule.objects.bulk_update(rules, ["position"])
        _say(rule, "raised", f"Threshold “{rule.name}” is asked before “{rules[here].name}” now", by, now)
    return rule


@transaction.atomic
def load_threshold_rules(items: list[dict[str, Any]], *, now: datetime) -> int:
    """Load the starter rules that were never here. Returns how many were new."""
    known = set(ThresholdRule.objects.values_list("key", flat=True))
    names = set(ThresholdRule.objects.values_list("name", flat=True))
    new = 0
    for place, item in enumerate(items):
        fields = {name: value for name, value in item.items() if name not in ("key", "name", "is_on")}
        data = thresholds.checked({"components": [], **fields})
        if item["key"] in known or item["name"] in names:
            continue
        rule = ThresholdRule.objects.create(
            key=item["key"], name=item["name"], is_on=item["is_on"], position=place, data=data
        )
        _version(rule, None, now)
        new += 1
    return new


def _checked(data: dict[str, Any]) -> dict[str, Any]:
    data = thresholds.checked(data)
    known = set(Component.objects.filter(pk__in=data["components"]).values_list("pk", flat=True))
    if known != set(data["components"]):
        raise Refused("One of these components is not known.")
    return data


def _free(name: str) -> None:
    if not name.strip():
        raise Refused("Give the rule a name.")
    if ThresholdRule.objects.filter(name__iexact=name.strip()).exists():
        raise Refused("There is a rule of this name already. Choose another name.")


def _version(rule: ThresholdRule, by: User | None, now: datetime) -> None:
    ThresholdRuleVersion.objects.create(rule=rule, number=rule.version, name=rule.name, data=rule.data, by=by, at=now)


def _say(rule: ThresholdRule, verb: str, text: str, by: User, now: datetime) -> None:
    audit.record(
        chain=audit.INSTALLATION, verb=f"threshold.{verb}", subject=f"threshold:{rule.pk}", text=text, by=by, now=now
    )
