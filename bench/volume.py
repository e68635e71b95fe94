"""A company after years of use: 1 000 incidents, 100 000 contacts, 1 000 000 mails. Made set-based in the database.

One incident is made as people make it; the others are its copies, moved in time. What a page reads of them is real:
constraints hold, and the kept counts are the triggers' own.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models

from bench import ground
from crisiscomms.models import AuditDetail, AuditEvent, User
from delivery import actions as delivery
from delivery import sweeping
from delivery.models import DeliveryAttempt, Dispatch, Notification, Tally
from incidents.models import Deadline, Incident, TeamMember
from messaging.models import ApprovalDecision, ApprovalRequest, ApprovalSeat, ApprovalStage, Message, MessageVersion
from stakeholders.models import Contact

INCIDENTS, CONTACTS, MAILS_EACH = 1_000, 100_000, 1_000
LIVE = 20
# Where the copies' keys begin, well beyond those of what was made by hand.
BASE = 1_000_000
EVENTS_EACH = 20


def fill(writer: User, boss: User, *, now: datetime) -> None:
    ground.contacts(CONTACTS)
    incident, message = ground.approved_message(writer, boss)
    delivery.order_dispatch(message_id=message.pk, by=writer, now=now, hold_seconds=0)
    sweeping.sweep(now=now)
    _incidents(incident)
    _messages(message)
    _dispatches(message, now=now)
    _mails()
    _records(writer)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _copy(source: models.Model, **values: str) -> None:
    """Copies of one row, INCIDENTS times, numbered `n`; `values` are SQL by column, all else is as in the source."""
    meta = source._meta
    values = {"id": f"{BASE} + n", **values} if "id" in {f.column for f in meta.local_concrete_fields} else values
    columns = [field.column for field in meta.local_concrete_fields]
    chosen = ", ".join(values.get(name, f's."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} ({names}) SELECT {chosen} FROM {meta.db_table} s, generate_series(1, %s) n "
            f'WHERE s."{meta.pk.column}" = %s',
            [INCIDENTS, source.pk],
        )


def _back(column: str) -> str:
    """The same time of day, one more incident every 17 hours into the past."""
    return f"s.{column} - n * interval '17 hours'"


def _if_over(value: str, other: str) -> str:
    return f"CASE WHEN n > {LIVE} THEN {value} ELSE {other} END"


def _incidents(incident: Incident) -> None:
    moments = {name: _back(name) for name in ("discovered_at", "began_at", "opened_at", "declared_at", "phase_since")}
    over = _back("declared_at") + " + interval '9 hours'"
    _copy(
        incident, number=f"{BASE} + n", title="'Card payments fail, case ' || n", phase=_if_over("'closed'", "s.phase"),
        closed_at=_if_over(over, "NULL"), resolved_at=_if_over(over, "NULL"), **moments,
    )  # fmt: skip
    for member in TeamMember.objects.filter(incident=incident)[:1]:
        _copy(member, incident_id=f"{BASE} + n")
    for deadline in Deadline.objects.filter(incident=incident, kind__in=["acknowledge", "update"])[:1]:
        soon = "s.due_at + n * interval '3 minutes'"
        ended = {"state": _if_over("'met'", "'pending'"), "met_at": _if_over(_back("due_at"), "NULL")}
        times = {"next_action_at": _if_over("NULL", soon), "due_at": _if_over(_back("due_at"), soon), "warn_at": "NULL"}
        _copy(deadline, incident_id=f"{BASE} + n", **ended, **times)


def _messages(message: Message) -> None:
    """Message, version and approval point at each other: the message first without, then with."""
    there = {"message_id": f"{BASE} + n"}
    approval = message.approval
    assert approval is not None
    _copy(message, incident_id=f"{BASE} + n", state="'draft'", approval_id="NULL")
    _copy(MessageVersion.objects.get(pk=approval.version_id), **there)
    _copy(ApprovalRequest.objects.get(pk=approval.pk), version_id=f"{BASE} + n", **there)
    stage = ApprovalStage.objects.filter(request=approval).first()
    assert stage is not None
    _copy(stage, request_id=f"{BASE} + n")
    for seat in ApprovalSeat.objects.filter(stage=stage)[:1]:
        _copy(seat, stage_id=f"{BASE} + n")
    for decision in ApprovalDecision.objects.filter(stage=stage)[:1]:
        _copy(decision, request_id=f"{BASE} + n", stage_id=f"{BASE} + n")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_message SET state = 'sent', approval_id = id WHERE id > %s", [BASE])


def _dispatches(message: Message, *, now: datetime) -> None:
    """The e-mail's copies have the incidents' numbers; those of the pages come after them."""
    for place, dispatch in enumerate(Dispatch.objects.filter(message=message).order_by("channel")):
        left = dict.fromkeys(("ordered_at", "hold_until", "released_at"), "s.ordered_at - n * interval '17 hours'")
        ids = dict.fromkeys(("incident_id", "message_id", "version_id", "request_id"), f"{BASE} + n")
        done = {"state": "'done'", "why": "''", "left_at": left["ordered_at"], "finished_at": left["ordered_at"]}
        pk = f"{BASE} * {place + 1} + n"
        _copy(dispatch, **{"id": pk, "uid": "gen_random_uuid()", **left, **ids, **done})
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {Tally._meta.db_table} SELECT d.id{', 0' * 11} FROM delivery_dispatch d WHERE d.id BETWEEN %s AND %s",
                [BASE * (place + 1) + 1, BASE * (place + 1) + INCIDENTS],
            )


def _mails() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {Notification._meta.db_table} (dispatch_id, contact_id, address, tier, accounts, merge,
                    state, reason, attempts, ended_at, possibly_twice)
                SELECT d.id, c.id, c.address, 1 + k %% 3, ARRAY[m.account_id],
                    jsonb_build_object('first_name', c.first_name, 'last_name', c.last_name, 'email', c.email,
                        'account', 'Account', 'products', '', 'time_zone', 'UTC', 'marketing_opt_out', false),
                    'sent', 'said so', 1, d.released_at, false
                FROM delivery_dispatch d CROSS JOIN generate_series(0, %(each)s - 1) k
                JOIN {Contact._meta.db_table} c ON c.id = %(first)s + (d.id * 7919 + k) %% %(contacts)s
                JOIN stakeholders_membership m ON m.contact_id = c.id
                WHERE d.channel = 'email' AND d.id > %(base)s""",
            {"each": MAILS_EACH, "first": Contact.objects.earliest("pk").pk, "contacts": CONTACTS, "base": BASE},
        )
        cursor.execute(
            f"""INSERT INTO {DeliveryAttempt._meta.db_table} (notification_id, number, at, outcome, text)
                SELECT id, 1, ended_at, 'sent', 'said so' FROM delivery_notification WHERE ended_at IS NOT NULL""",
        )


def _records(writer: User) -> None:
    """A timeline for each. The chain of a copy does not verify; pages only read it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {AuditEvent._meta.db_table} (chain, number, at, recorded_at, actor_id, verb, subject,
                    publishable, detail_digest, previous, digest)
                SELECT 'INC-' || i.number, k, i.declared_at, i.declared_at, %s, 'milestone.reached', 'x', false, '', '', ''
                FROM incidents_incident i, generate_series(1, %s) k WHERE i.id > %s""",
            [writer.pk, EVENTS_EACH, BASE],
        )
        cursor.execute(
            f"""INSERT INTO {AuditDetail._meta.db_table} (event_id, text, data)
                SELECT e.id, 'Something was done', '{{}}' FROM {AuditEvent._meta.db_table} e
                LEFT JOIN {AuditDetail._meta.db_table} d ON d.event_id = e.id WHERE d.event_id IS NULL""",
        )


def an_incident(place: int = 5) -> dict[str, Any]:
    """One that is live."""
    return {"number": BASE + place, "message": BASE + place, "since": timedelta(hours=17 * place)}
