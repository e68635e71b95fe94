"""How long personal data stays: periods are policy, each house registers what it forgets, a task applies them.

What is forgotten is written down as counts only. The record's chain and the kept counts hold afterwards.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.contrib.sessions.models import Session as OldSession
from django.db import models, transaction
from django.db.models import Q
from pydantic import Field

from crisiscomms import audit, leaving, policy
from crisiscomms.models import AuditDetail, Notice, Policy, Session

POLICY = "retention"
BATCH = 2_000
Days = Annotated[int, Field(ge=1, le=36_500)]


class RetentionRules(policy.Rules):
    notifications_days: Days = policy.says(
        "Recipients of mails (days)",
        "After an incident is closed. Then whom each mail went to becomes a keyed digest; counts and accounts stay.",
    )
    imports_days: Days = policy.says(
        "Rows of imports (days)", "After the last work on an import. Then its rows are gone."
    )
    notices_days: Days = policy.says("Mails to the team (days)", "After they were sent or given up.")
    sign_ins_days: Days = policy.says(
        "Words about sign-ins (days)", "In the record. That it happened, when and by whom stays."
    )
    sign_in_verbs: list[Annotated[str, Field(min_length=4, pattern=r"^[a-z_]+\.")]] = policy.says(
        "Entries that are about sign-ins", "How the names of such entries in the record begin, with their dot."
    )
    sessions_days: Days = policy.says("Sessions in browsers (days)", "After they have expired.")
    signals_days: Days = policy.says(
        "What signals were sent as (days)",
        "After it came in. Then the text as it was sent and the counts by minute are gone; the signal stays.",
    )
    mentions_days: Days = policy.says(
        "Who said what in the monitoring log (days)",
        "After its incident is closed. Names, words and links go; channel, sentiment and readers stay.",
    )


policy.describe(
    policy.Description(
        POLICY,
        "How long personal data stays",
        "After how many days recipients, imported rows, mails to the team, sign-ins and sessions are forgotten.",
        RetentionRules,
        is_control=True,
    )
)


@dataclass(frozen=True)
class Rule:
    """`due(before)` is what is old enough; `forget(before, now, limit)` forgets up to `limit` of it and says how many.

    The period is the policy's `<key>_days`. Forgetting twice does nothing the second time.
    """

    key: str
    label: str
    due: Callable[[datetime], int]
    forget: Callable[[datetime, datetime, int], int]


_rules: dict[str, Rule] = {}


def register(rule: Rule) -> None:
    _rules[rule.key] = rule


def rules() -> dict[str, Rule]:
    return dict(_rules)


def periods() -> dict[str, Any]:
    """The policy in force; nothing is forgotten before one is loaded."""
    try:
        return policy.current(POLICY)
    except Policy.DoesNotExist:
        return {}


def due(*, now: datetime) -> dict[str, int]:
    """What would be forgotten now, by rule."""
    return {rule.label: rule.due(before) for rule, before in _with_limits(now)}


def apply(*, now: datetime, seconds: float = 40) -> tuple[dict[str, int], bool]:
    """Forget what is due, a batch at a time, for about `seconds`. Returns the counts, and whether more is left."""
    end = time.monotonic() + seconds
    done: dict[str, int] = {}
    more = False
    for rule, before in _with_limits(now):
        count = BATCH
        while count and not more:
            with transaction.atomic():
                count = rule.forget(before, now, BATCH)
            done[rule.key] = done.get(rule.key, 0) + count
            more = bool(count) and (leaving.is_asked() or time.monotonic() > end)
    done = {key: count for key, count in done.items() if count}
    if done:
        text = ", ".join(f"{_rules[key].label}: {count}" for key, count in done.items())
        audit.record(
            chain=audit.INSTALLATION, verb="retention.applied", subject="retention",
            text=f"Forgotten after its time. {text}", by=None, now=now, data=done,
        )  # fmt: skip
    return done, more


def _with_limits(now: datetime) -> Iterable[tuple[Rule, datetime]]:
    days = periods()
    return [
        (rule, now - timedelta(days=days[f"{key}_days"]))
        for key, rule in sorted(_rules.items())
        if isinstance(days.get(f"{key}_days"), int)
    ]


def delete_some(found: models.QuerySet[Any], limit: int) -> int:
    """Delete up to `limit` of these rows."""
    keys = list(found.values_list("pk", flat=True)[:limit])
    found.model._base_manager.filter(pk__in=keys).delete()
    return len(keys)


def _sessions(before: datetime) -> list[models.QuerySet[Any]]:
    """Ours, and those in Django's own table, from before sessions knew whose they are."""
    return [table._default_manager.filter(expire_date__lt=before) for table in (Session, OldSession)]


def _forget_sessions(before: datetime, now: datetime, limit: int) -> int:
    done = 0
    for found in _sessions(before):
        done += delete_some(found, limit - done)
    return done


def _notices(before: datetime) -> models.QuerySet[Notice]:
    waiting = [Notice.State.QUEUED, Notice.State.CLAIMED]
    return Notice.objects.filter(created_at__lt=before).exclude(state__in=waiting)


def _sign_ins(before: datetime) -> models.QuerySet[AuditDetail]:
    about = Q(pk__in=[])
    for verb in periods().get("sign_in_verbs", []):
        about |= Q(event__verb__startswith=verb)
    return AuditDetail.objects.filter(about, event__chain=audit.INSTALLATION, event__at__lt=before, erased_at=None)


def _forget_sign_ins(before: datetime, now: datetime, limit: int) -> int:
    return audit.erase(_sign_ins(before).values_list("pk", flat=True)[:limit], now=now)


register(
    Rule("sessions", "Expired sessions", lambda before: sum(found.count() for found in _sessions(before)), _forget_sessions)
)  # fmt: skip
register(
    Rule("notices", "Mails to the team", lambda before: _notices(before).count(),
         lambda before, _now, limit: delete_some(_notices(before), limit))
)  # fmt: skip
register(
    Rule("sign_ins", "Words about sign-ins", lambda before: _sign_ins(before).count(), _forget_sign_ins)
)  # fmt: skip
