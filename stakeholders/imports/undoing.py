"""Undoing: what an import made goes, what it changed becomes what it was before, and what was used since stays.

It works through the traces of the run (ImportChange), places in accounts first, then people, then accounts. A trace
goes when its thing is as before; one that stays says why. So a killed undo goes on where it stopped.

Nobody is subscribed again by it: consent and bounces are not touched, and an opt-out that the import brought stays.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction

from crisiscomms import audit, policy
from crisiscomms.models import Policy
from stakeholders import uses
from stakeholders.imports import accounts, contacts, kinds
from stakeholders.imports.applying import one_at_a_time
from stakeholders.imports.chunks import CHANGES, make_table, mark_of
from stakeholders.imports.staging import lock_where_left
from stakeholders.models import Account, Contact, ImportChange, ImportRun, Membership

State = ImportRun.State
Thing = ImportChange.Thing
CHUNK = 2_000
ORDER = (Thing.MEMBERSHIP, Thing.CONTACT, Thing.ACCOUNT)
_DAYS = 7
CHANGED = "it was changed since"
ELSEWHERE = "it is used elsewhere"
JOINED = "the person was put into an account since"
PEOPLED = "people are still in it"
EDITED = "the person was changed since"
TAKEN = "another account has its former name or number now"
_PLACES = Membership._meta.db_table


def days() -> int:
    """How long an import can be undone, by policy."""
    try:
        return int(policy.current("stakeholders").get("undo_days", _DAYS))
    except Policy.DoesNotExist:
        return _DAYS


def until(run: ImportRun) -> datetime | None:
    """When it will be too late to undo the run; nothing when there is nothing to undo."""
    # Without a time of confirmation it is of an older version, which left no traces.
    if not run.applied or run.confirmed_at is None or run.finished_at is None:
        return None
    if run.forgotten_at or run.state not in (State.DONE, State.CANCELLED):
        return None
    return run.finished_at + timedelta(days=days())


@transaction.atomic
def undo_chunk(run: ImportRun, *, now: datetime, size: int = CHUNK) -> bool:
    """Undo the next changes. Returns whether there were any; without, the run is undone."""
    one_at_a_time()
    lock_where_left(run)
    pending = ImportChange.objects.filter(run=run, kept_because="")
    thing = next((each for each in ORDER if pending.filter(thing=each).exists()), None)
    if thing is None:
        _finish(run, now=now)
        return False
    with connection.cursor() as cursor:
        gone, kept = _undo(cursor, run, thing, size, now)
    run.undone += gone
    run.kept += kept
    run.worked_at, run.tries = now, 0
    run.save(update_fields=["undone", "kept", "worked_at", "tries"])
    return True


_PENDING = f"""
    SELECT id AS trace, thing_id AS id, was, left_as, ''::text AS why FROM {CHANGES}
    WHERE run_id = %(run)s AND thing = %(thing)s AND kept_because = '' ORDER BY thing_id LIMIT %(limit)s
"""
_KEPT = f"UPDATE {CHANGES} c SET kept_because = p.why FROM pending p WHERE c.id = p.trace AND p.why <> ''"
_GONE = f"DELETE FROM {CHANGES} c USING pending p WHERE c.id = p.trace AND p.why = ''"


def _undo(cursor: Any, run: ImportRun, thing: Thing, size: int, now: datetime) -> tuple[int, int]:
    make_table(cursor, "pending", _PENDING, {"run": run.pk, "thing": thing, "limit": size})
    cursor.execute("ANALYZE pending")
    _TAKE_BACK[thing](cursor, run, now)
    # Whatever still holds on to what was deleted is found here, and not when all is committed.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    cursor.execute(_KEPT)
    kept = cursor.rowcount
    cursor.execute(_GONE)
    return cursor.rowcount, kept


def _since(run: ImportRun) -> datetime:
    return run.confirmed_at or run.uploaded_at


def _leave(cursor: Any, why: str, condition: str) -> None:
    cursor.execute(f"UPDATE pending x SET why = %s WHERE x.why = '' AND {condition}", [why])


def _owners(cursor: Any) -> dict[int, int]:
    """Place of `pending` → whose it is."""
    cursor.execute(f"SELECT x.id, m.contact_id FROM pending x JOIN {_PLACES} m ON m.id = x.id")
    return dict(cursor.fetchall())


def _leave_used(cursor: Any, owners: dict[int, int], since: datetime) -> None:
    """Leave what belongs to a person whom a higher house used since. `owners`: thing of pending → person."""
    used = uses.of_contacts(list(set(owners.values())), since=since)
    for why in set(used.values()):
        _leave_ids(cursor, f"the person {why}", [each for each, owner in owners.items() if used.get(owner) == why])


def _leave_edited(cursor: Any, run: ImportRun, owners: dict[int, int]) -> None:
    """A person who came with this import and is left, because somebody changed them, is left where they are."""
    cursor.execute(
        f"""SELECT p.id FROM {CHANGES} c JOIN {contacts.TABLE} p ON p.id = c.thing_id
            WHERE c.run_id = %s AND c.thing = 'contact' AND c.thing_id = ANY(%s) AND c.was IS NULL
            AND {mark_of(Contact, "p")} <> c.left_as""",
        [run.pk, list(set(owners.values()))],
    )
    edited = {contact_id for (contact_id,) in cursor.fetchall()}
    _leave_ids(cursor, EDITED, [each for each, owner in owners.items() if owner in edited])


def _leave_ids(cursor: Any, why: str, ids: list[int]) -> None:
    cursor.execute("UPDATE pending SET why = %s WHERE why = '' AND id = ANY(%s)", [why, ids])


def _leave_referenced(cursor: Any, model: type[models.Model], own: Sequence[type[models.Model]]) -> None:
    """Leave what was made and is now pointed at by any table but `own`, also by tables that come later."""
    for relation in model._meta.related_objects:
        field = getattr(relation, "field", None)
        if relation.related_model in own or not isinstance(field, models.ForeignKey):
            continue
        table = relation.related_model._meta.db_table
        _leave(cursor, ELSEWHERE, f"x.was IS NULL AND x.id IN (SELECT {field.column} FROM {table})")


def _memberships(cursor: Any, run: ImportRun, now: datetime) -> None:
    owners = _owners(cursor)
    _leave_used(cursor, owners, _since(run))
    _leave_edited(cursor, run, owners)
    cursor.execute(
        f"DELETE FROM {_PLACES} m USING pending x WHERE m.id = x.id AND x.why = '' RETURNING m.contact_id, m.is_main"
    )
    left = [contact_id for contact_id, is_main in cursor.fetchall() if is_main]
    # Who lost their main account and is in another has that for their main one.
    cursor.execute(
        f"""UPDATE {_PLACES} SET is_main = true WHERE id IN (
            SELECT DISTINCT ON (contact_id) id FROM {_PLACES} WHERE contact_id = ANY(%s) ORDER BY contact_id, id)""",
        [left],
    )


def _contacts(cursor: Any, run: ImportRun, now: datetime) -> None:
    table = contacts.TABLE
    cursor.execute("SELECT id, id FROM pending WHERE was IS NULL")
    _leave_used(cursor, dict(cursor.fetchall()), _since(run))
    _leave(
        cursor, CHANGED, f"EXISTS (SELECT 1 FROM {table} p WHERE p.id = x.id AND {mark_of(Contact, 'p')} <> x.left_as)"
    )
    _leave(cursor, JOINED, f"x.was IS NULL AND EXISTS (SELECT 1 FROM {_PLACES} m WHERE m.contact_id = x.id)")
    _leave_referenced(cursor, Contact, (Membership,))
    own = ", ".join(f"{name} = w.{name}" for name in contacts.OWN if name != "marketing_opt_out")
    cursor.execute(
        f"""UPDATE {table} p SET {own}, updated_at = %s,
                marketing_opt_out = p.marketing_opt_out OR w.marketing_opt_out
            FROM pending x CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, x.was) w
            WHERE p.id = x.id AND x.was IS NOT NULL AND x.why = ''""",
        [now],
    )
    cursor.execute(f"DELETE FROM {table} p USING pending x WHERE p.id = x.id AND x.was IS NULL AND x.why = ''")


def _accounts(cursor: Any, run: ImportRun, now: datetime) -> None:
    table = accounts.TABLE
    _leave(
        cursor, CHANGED, f"EXISTS (SELECT 1 FROM {table} a WHERE a.id = x.id AND {mark_of(Account, 'a')} <> x.left_as)"
    )
    _leave(cursor, PEOPLED, f"x.was IS NULL AND EXISTS (SELECT 1 FROM {_PLACES} m WHERE m.account_id = x.id)")
    _leave(
        cursor,
        TAKEN,
        f"""x.was IS NOT NULL AND EXISTS (SELECT 1 FROM {table} a WHERE a.id <> x.id
            AND a.external_id = x.was->>'external_id' AND (a.external_id <> '' OR a.name_key = x.was->>'name_key'))""",
    )
    _leave_referenced(cursor, Account, (Membership,))
    own = ", ".join(f"{name} = w.{name}" for name in accounts.OWN if name != "owner_id")
    cursor.execute(
        f"""UPDATE {table} a SET {own}, updated_at = %s,
                owner_id = (SELECT u.id FROM crisiscomms_user u WHERE u.id = w.owner_id)
            FROM pending x CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, x.was) w
            WHERE a.id = x.id AND x.was IS NOT NULL AND x.why = ''""",
        [now],
    )
    cursor.execute(f"DELETE FROM {table} a USING pending x WHERE a.id = x.id AND x.was IS NULL AND x.why = ''")


_TAKE_BACK = {Thing.MEMBERSHIP: _memberships, Thing.CONTACT: _contacts, Thing.ACCOUNT: _accounts}


def _finish(run: ImportRun, *, now: datetime) -> None:
    run.state = State.UNDONE
    run.worked_at = run.undone_at = now
    run.save(update_fields=["state", "worked_at", "undone_at"])
    audit.record(
        chain=audit.INSTALLATION,
        verb="import.undone",
        subject=f"import:{run.pk}",
        text=f"Undid the import of {kinds.of(run).many} from “{run.name}”: {run.undone} changes taken back, {run.kept} left",
        by=run.undone_by,
        now=now,
        data={"undone": run.undone, "kept": run.kept},
    )
