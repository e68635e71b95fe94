"""Looking at what came in: where it belongs, and which rule it meets. Run by a worker, one at a time.

Nothing here waits for a person or is waited for: intake writes rows and marks them due, this takes them up in the
order in which they became due. One that cannot be judged waits a minute and stops no other.
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from crisiscomms import audit
from incidents.actions.locking import lock_incident
from incidents.actions.signals import matching
from incidents.actions.watching import open_watch_item
from incidents.models import Component, Incident, Signal, ThresholdRule
from incidents.noticing import proposals, thresholds
from incidents.noticing.intake import LOOK_AGAIN
from incidents.noticing.thresholds import Windows

log = structlog.get_logger("crisiscomms")
BATCH = 200
# Only one worker at a time judges, so that two signals of one storm meet the same item and the same proposal.
TURN = "signals judged"
WORST_FIRST = list(Incident.Severity.values)


def judge_due(*, now: datetime, limit: int = BATCH) -> int:
    """Judge what is due by `now`; returns how many. What somebody else judges right now is left to them."""
    due = list(Signal.objects.due(now).order_by("due_at", "pk").values_list("pk", flat=True)[:limit])
    if not due:
        return 0
    judge = _Judge(now)
    return sum(judge.judged(pk) for pk in due)


class _Judge:
    """What is the same for every signal of one run: the windows, the components, how a version of a rule is read."""

    def __init__(self, now: datetime) -> None:
        self.now, self.windows = now, Windows()
        self.read: dict[tuple[int, int], thresholds.Rule] = {}
        self.parts = list(Component.objects.in_use().select_related("product"))

    def judged(self, pk: int) -> bool:
        try:
            with transaction.atomic():
                if not audit.take_turns([TURN]):
                    return False
                signal = Signal.objects.due(self.now).select_related("source", "by", "incident").filter(pk=pk).first()
                if signal is not None:
                    self._judge(signal)
                return signal is not None
        except Exception:  # what else came in must be looked at
            log.exception("signal not judged", signal=pk)
            Signal.objects.filter(pk=pk).update(due_at=self.now + timedelta(minutes=1))
            return True

    def _judge(self, signal: Signal) -> None:
        self._place(signal)
        item = _home(signal)
        rule, why = self._met(signal) if signal.judged_at is None or signal.ended_at is None else (None, "")
        if rule is not None:
            item = self._act(signal, item, rule, why)
        if item is None and signal.incident_id is not None:
            Signal.objects.filter(pk=signal.pk, incident=signal.incident_id).update(incident=None)
        elif item is not None and item.pk != signal.incident_id:
            _attach(signal, item, why, self.now)
        changes = {"judged_at": self.now} | ({"reason": why[:600]} if why else {})
        Signal.objects.filter(pk=signal.pk).update(**changes)
        self._rest(signal)

    def _rest(self, signal: Signal) -> None:
        """Nothing more to look at, unless something came in since it was read: that is looked at soon."""
        same = Signal.objects.filter(pk=signal.pk, due_at=signal.due_at)
        if not same.filter(seen_count=signal.seen_count, status=signal.status).update(due_at=None):
            same.update(due_at=self.now + LOOK_AGAIN)

    def _place(self, signal: Signal) -> None:
        if signal.judged_at is None and not signal.components.exists():
            signal.components.set(matching(signal.values, self.parts))

    def _met(self, signal: Signal) -> tuple[ThresholdRule | None, str]:
        """The first rule that holds, and why."""
        facts = thresholds.facts_of(signal, self.now, self.windows)
        # Asked anew each turn: another worker may have opened a rule's watch item, and a person switched a rule off.
        for row in ThresholdRule.objects.filter(is_on=True):
            key = row.pk, row.version
            if key not in self.read:
                self.read[key] = thresholds.read(row.data)
            why = thresholds.verdict(self.read[key], facts)
            if why:
                return row, f"{row.name}: {why}."
        return None, ""

    def _act(self, signal: Signal, item: Incident | None, rule: ThresholdRule, why: str) -> Incident | None:
        """Open a watch item where the rule says so and none takes it; ask a person where it calls for the protocol."""
        if item is None and rule.data["opens_watch_item"]:
            item = self._watch_item(signal, rule, why)
        if rule.data["outcome"] == "crisis" and _says_more(rule, item):
            proposals.propose(signal=signal, rule=rule, why=why, item=item, now=self.now)
        return item

    def _watch_item(self, signal: Signal, rule: ThresholdRule, why: str) -> Incident:
        """The item that this rule has opened and that is still open, so that one storm is one item; or a new one."""
        have = _locked_open(rule.watch_item_id)
        if have is not None:
            return have
        parts = {*rule.data["components"], *signal.components.values_list("pk", flat=True)}
        rule.watch_item = open_watch_item(
            title=signal.title,
            kind=rule.data["kind"],
            severity=rule.data["severity"],
            summary=why,
            components=dict.fromkeys(sorted(parts), "degraded"),
            noticed_at=max(min(signal.happened_at, self.now), self.now - timedelta(days=365)),
            by=None,
            now=self.now,
        )
        rule.save(update_fields=["watch_item"])
        return rule.watch_item


def _says_more(rule: ThresholdRule, item: Incident | None) -> bool:
    """Of something declared already, only a worse severity is worth a question."""
    if item is None or item.declared_at is None:
        return True
    return WORST_FIRST.index(rule.data["severity"]) < WORST_FIRST.index(item.severity)


def _home(signal: Signal) -> Incident | None:
    """Where it belongs or did before, locked: the record's lock comes before any row of the signal, as in every act."""
    if signal.incident is None or _is_past(signal):
        return _locked_open(_where_it_was(signal))
    signal.incident = lock_incident(signal.incident.pk)
    return None if _is_past(signal) else signal.incident


def _is_past(signal: Signal) -> bool:
    """What goes on after its incident was closed is something new, and free."""
    closed = signal.incident.closed_at if signal.incident else None
    return closed is not None and signal.last_seen_at > closed


def _where_it_was(signal: Signal) -> int | None:
    """The open incident or watch item that the same thing belonged to when it came before."""
    if signal.source_id is None:
        return None
    before = Signal.objects.filter(source=signal.source_id, fingerprint=signal.fingerprint, incident__isnull=False)
    before = before.filter(~Q(incident__phase=Incident.Phase.CLOSED)).exclude(pk=signal.pk)
    return before.order_by("-pk").values_list("incident", flat=True).first()


def _locked_open(pk: int | None) -> Incident | None:
    """Nothing, if somebody closed it before it could be locked."""
    item = lock_incident(pk) if pk is not None else None
    return None if item is None or item.phase == Incident.Phase.CLOSED else item


def _attach(signal: Signal, item: Incident, why: str, now: datetime) -> None:
    """By itself; the record says so. Unless somebody has attached it meanwhile."""
    if not Signal.objects.filter(pk=signal.pk, incident=signal.incident_id).update(incident=item):
        return
    text = f"Signal attached: {signal.title} ({signal.origin})" + (f". {why}" if why else "")
    audit.record(
        chain=item.chain, verb="signal.attached", subject=f"signal:{signal.pk}", text=text[:2000], by=None, now=now
    )
