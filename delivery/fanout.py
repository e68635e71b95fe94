"""The frozen list: one set-based statement turns a rule into rows."""

from datetime import datetime

from django.db import connection

from crisiscomms import policy
from delivery.models import Dispatch, Notification
from stakeholders import recipients

# Merge data stands in the row: what a person was sent can be shown years later, whatever their record says then.
FREEZE = f"""
    INSERT INTO delivery_notification
        (dispatch_id, contact_id, address, tier, accounts, merge, state, reason, attempts, next_attempt_at,
         ended_at, possibly_twice)
    SELECT %(dispatch)s, contact_id, address, tier, accounts,
        jsonb_build_object('first_name', first_name, 'last_name', last_name, 'email', email, 'account', account,
                           'products', products, 'time_zone', time_zone, 'marketing_opt_out', marketing_opt_out),
        CASE WHEN skip = '' THEN 'queued' ELSE 'skipped' END, skip, 0,
        CASE WHEN skip = '' THEN %(now)s END,
        CASE WHEN skip = '' THEN NULL ELSE %(now)s END, false
    FROM ({recipients.SELECTION}) chosen
    ON CONFLICT (dispatch_id, address) DO NOTHING
"""


def freeze(*, dispatch: Dispatch, rule: recipients.Rule, now: datetime) -> int:
    """Write one row per person of the rule, the left-out ones with their reason. Safe to run twice."""
    with connection.cursor() as cursor:
        # `due after the hold` is the dispatch's own state; the rows are due from the press on.
        cursor.execute(FREEZE, {**recipients.parameters(rule), "dispatch": dispatch.pk, "now": now})
        return int(cursor.rowcount)


def customers_first(dispatch: Dispatch) -> str:
    """Why the public has to wait, in words; empty when it need not (domain page, Customer-first).

    Locked until every affected tier 1 and 2 mail of this message is handed over or has ended. A skipped,
    failed or unknown one no longer holds the public back: it stands in the failure queue.
    """
    rules = policy.current("delivery")["customer_first"]
    incident, message = dispatch.incident, dispatch.message
    for exempt in rules["exempt"]:
        if exempt["kind"] in ("any", incident.kind) and exempt["message_kind"] in ("any", message.kind):
            return ""
    waiting = [Notification.State.QUEUED, Notification.State.CLAIMED, Notification.State.RETRY]
    sibling = Dispatch.objects.filter(message=message, channel=Dispatch.Channel.EMAIL).exclude(
        state=Dispatch.State.TAKEN_BACK
    )
    left = Notification.objects.filter(dispatch__in=sibling, tier__in=rules["tiers"], state__in=waiting).count()
    return f"Customers come first: {left} mails to tier 1 and 2 have not been handed over." if left else ""
