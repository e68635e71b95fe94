"""People and their accounts: what a row says about a person, and how it changes them.

Consent and bounces are not the file's business: no column here is `unsubscribed_at` or `suppressed_at`, so nobody comes
back by an import. Only the marketing opt-out follows the file.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from stakeholders import addresses
from stakeholders.imports import accounts
from stakeholders.imports.chunks import make_table, mark_of, trace, trace_new
from stakeholders.imports.columns import Given
from stakeholders.models import Contact, ImportRun, Membership

TABLE = Contact._meta.db_table
PLACES = Membership._meta.db_table
_PERSON = ("first_name", "last_name", "title", "phone", "language", "contact_id", "opt_out")
_TEXTS = ("first_name", "last_name", "title", "phone", "language")
OWN = ("external_id", *_TEXTS, "marketing_opt_out")


def key_of(typed: Given) -> str:
    return addresses.normalise(typed.get("email", ""))


def data_of(given: Given) -> Given:
    data = {"email": addresses.bare(given["email"]), **{key: given[key] for key in _PERSON if key in given}}
    account = accounts.facts_of(given)
    if account is not None:
        data["account"] = account
    return data


def cells(data: Given) -> list[str]:
    name = f"{data.get('first_name', '')} {data.get('last_name', '')}".strip()
    return [data.get("email", ""), name, accounts.cells(data)[0]]


LAYOUT = (
    ", ".join(f"s.data->>'{name}' AS {name}" for name in ("email", *_TEXTS, "contact_id"))
    + f", (s.data->>'opt_out')::boolean AS opt_out, {accounts.COLUMNS}",
    accounts.SOURCE,
)

# For a row `c` of chunk and its person `p`. Two systems know one person by two numbers; the first stays, or each
# import would change it back.
_DIFFERS = f"""COALESCE(
    {" OR ".join(f"c.{name} <> p.{name}" for name in _TEXTS)}
    OR c.opt_out <> p.marketing_opt_out OR (p.external_id = '' AND c.contact_id <> ''), false)"""

# Who of the chunk's people is there already. Looked up once: a chunk of new people asks nothing more of that table.
_KNOWN = f"SELECT p.id, p.address, false AS is_new FROM {TABLE} p WHERE p.address IN (SELECT key FROM chunk)"


def meet(cursor: Any) -> None:
    """`known` beside the accounts' `named`."""
    accounts.meet(cursor)
    make_table(cursor, "known", _KNOWN)
    cursor.execute("ANALYZE known")


DECISION = f"""
    SELECT c.number, CASE
        WHEN p.id IS NULL THEN 'create'
        WHEN {_DIFFERS} OR (a.id IS NOT NULL AND {accounts.DIFFERS}) OR (c.akey IS NOT NULL AND m.id IS NULL)
        THEN 'update' ELSE 'same' END AS outcome
    FROM chunk c LEFT JOIN (known k JOIN {TABLE} p ON p.id = k.id) ON k.address = c.key {accounts.MEANT}
    LEFT JOIN (known w JOIN {PLACES} m ON m.contact_id = w.id) ON m.contact_id = p.id AND m.account_id = a.id
"""

_WANTED = ", ".join(
    [
        "CASE WHEN p.external_id = '' THEN COALESCE(c.contact_id, '') ELSE p.external_id END AS external_id",
        *(f"COALESCE(c.{name}, p.{name}) AS {name}" for name in _TEXTS),
        "COALESCE(c.opt_out, p.marketing_opt_out) AS marketing_opt_out",
    ]
)
_CHANGED = f"""
    SELECT p.id, c.number, to_jsonb(p) AS was, {_WANTED}
    FROM chunk c JOIN known k ON k.address = c.key JOIN {TABLE} p ON p.id = k.id
    WHERE c.staged <> 'duplicate' AND {_DIFFERS}
"""
_CHANGE = f"""
    WITH changed AS MATERIALIZED ({_CHANGED}), done AS (
        UPDATE {TABLE} p SET {", ".join(f"{name} = x.{name}" for name in OWN)}, updated_at = %(now)s
        FROM changed x WHERE p.id = x.id RETURNING x.number, x.id, x.was, {mark_of(Contact, "p")} AS mark)
""" + trace("contact", "SELECT * FROM done")
_UNKNOWN = "FROM chunk c WHERE c.is_first AND NOT EXISTS (SELECT 1 FROM known k WHERE k.address = c.key)"
_TRACE_ADDED = trace_new(
    "contact", "SELECT c.number, added.id, added.mark FROM added JOIN chunk c ON c.key = added.address AND c.is_first"
)
_ADD = f"""
    WITH added AS (
        INSERT INTO {TABLE} AS made (email, address, external_id, {", ".join(_TEXTS)}, marketing_opt_out,
            suppressed_reason, updated_at)
        SELECT c.email, c.key, COALESCE(c.contact_id, ''), {", ".join(f"COALESCE(c.{name}, '')" for name in _TEXTS)},
            COALESCE(c.opt_out, false), '', %(now)s
        {_UNKNOWN} ORDER BY c.number
        RETURNING made.id, made.address, {mark_of(Contact, "made")} AS mark),
    traced AS ({_TRACE_ADDED})
    INSERT INTO known SELECT id, address, true FROM added
"""


# Each person into the accounts of their rows, the first as their main one.
_JOINING = """
    SELECT min(c.number) AS number, k.id AS contact_id, n.account_id,
        row_number() OVER (PARTITION BY k.id ORDER BY min(c.number)) = 1 AND NOT {has_main} AS is_main
    FROM chunk c JOIN known k ON k.address = c.key JOIN named n ON n.akey = c.akey
    WHERE {who} GROUP BY k.id, n.account_id
"""
_JOINING_NEW = _JOINING.format(has_main="false", who="k.is_new")
_JOINING_KNOWN = _JOINING.format(
    has_main=f"EXISTS (SELECT 1 FROM {PLACES} m WHERE m.contact_id = k.id AND m.is_main)",
    who=f"""NOT k.is_new AND NOT EXISTS (
        SELECT 1 FROM {PLACES} m WHERE m.contact_id = k.id AND m.account_id = n.account_id)""",
)
_JOIN = """
    WITH added AS (
        INSERT INTO {places} AS made (contact_id, account_id, is_main)
        SELECT contact_id, account_id, is_main FROM joining ORDER BY number {on_conflict}
        RETURNING made.id, made.contact_id, made.account_id)
    {traced}
"""
_TRACE_JOINED = trace_new(
    "membership", "SELECT j.number, added.id, 0 AS mark FROM added JOIN joining j USING (contact_id, account_id)"
)
# Nobody else sees yet whom this chunk added, so nothing can be in the way of theirs.
_JOIN_NEW = _JOIN.format(places=PLACES, on_conflict="", traced=_TRACE_JOINED)
_JOIN_KNOWN = _JOIN.format(places=PLACES, on_conflict="ON CONFLICT DO NOTHING", traced=_TRACE_JOINED)


def apply(cursor: Any, run: ImportRun, now: datetime) -> None:
    """Parents first: accounts, then people, then who is where."""
    accounts.save(cursor, run, now)
    parameters = {"run": run.pk, "now": now}
    cursor.execute(_CHANGE, parameters)
    _add(cursor, parameters)
    cursor.execute("ANALYZE known")
    for joining, join in ((_JOINING_NEW, _JOIN_NEW), (_JOINING_KNOWN, _JOIN_KNOWN)):
        make_table(cursor, "joining", joining)
        cursor.execute(join, parameters)


def _add(cursor: Any, parameters: dict[str, Any]) -> None:
    """Whoever of the chunk is not known yet becomes a contact, and `known`.

    Somebody may add the same person at this moment; then they are simply there. ON CONFLICT would say so too, at a
    sixth more for everybody.
    """
    for tries_left in (2, 1, 0):
        try:
            with transaction.atomic():
                cursor.execute(_ADD, parameters)
            return
        except IntegrityError:
            if not tries_left:
                raise
            make_table(cursor, "known", _KNOWN)
