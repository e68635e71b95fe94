"""The frozen list: one set-based statement turns a rule into rows."""

from datetime import datetime

from django.db import connection

from crisiscomms import policy
from delivery.models import Dispatch
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


ANALYZE_FROM = 500


def freeze(*, dispatch: Dispatch, rule: recipients.Rule, now: datetime) -> int:
    """Write one row per person of the rule, the left-out ones with their reason. Safe to run twice."""
    with connection.cursor() as cursor:
        # `due after the hold` is the dispatch's own state; the rows are due from the press on.
        cursor.execute(FREEZE, {**recipients.parameters(rule), "dispatch": dispatch.pk, "now": now})
        count = int(cursor.rowcount)
        if count >= ANALYZE_FROM:
            # The senders start within seconds. Until the planner knows of these rows it reads the whole table for
            # each group of 25; the database's own upkeep would come a minute too late.
            cursor.execute("ANALYZE delivery_notification")
        return count


# Affected people of the first tiers whom no mail about this incident has reached yet, or ended for.
NOT_TOLD = f"""
    SELECT count(*) FROM ({recipients.SELECTION}) chosen
    WHERE skip = '' AND NOT EXISTS (
        SELECT 1 FROM delivery_notification n JOIN delivery_dispatch d ON d.id = n.dispatch_id
        WHERE d.incident_id = %(incident)s AND n.address = chosen.address
          AND n.state NOT IN ('queued', 'claimed', 'retry', 'cancelled')
          AND (d.message_id = %(message)s OR NOT EXISTS (
              SELECT 1 FROM delivery_dispatch own JOIN delivery_notification mine ON mine.dispatch_id = own.id
              WHERE own.message_id = %(message)s AND own.state <> 'taken_back' AND mine.address = chosen.address)))
"""


def customers_first(dispatch: Dispatch) -> str:
    """Why the public has to wait, in words; empty when it need not (domain page, Customer-first).

    Locked until every affected person of tier 1 and 2 has been mailed: with this message where it goes to them,
    else with an earlier one about this incident. A failed or unknown mail no longer holds the public back: it
    stands in the failure queue.
    """
    rules = policy.current("delivery")["customer_first"]
    incident, message = dispatch.incident, dispatch.message
    for exempt in rules["exempt"]:
        if exempt["kind"] in ("any", incident.kind) and exempt["message_kind"] in ("any", message.kind):
            return ""
    affected = tuple(dispatch.content["facts"]["affected"])
    rule = recipients.Rule(tiers=tuple(rules["tiers"]), affected=affected)
    with connection.cursor() as cursor:
        values = {**recipients.parameters(rule), "incident": incident.pk, "message": message.pk}
        cursor.execute(NOT_TOLD, values)
        left = int(cursor.fetchone()[0])
    return f"Customers come first: {left} people of tier 1 and 2 have not been told by mail." if left else ""
