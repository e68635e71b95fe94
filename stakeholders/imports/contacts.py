"""People and their accounts: what a row says about a person, and how it changes them.

Consent and bounces are not the file's business: no column here is `unsubscribed_at` or `suppressed_at`, so nobody comes
back by an import. Only the marketing opt-out follows the file.
"""

from datetime import datetime
from typing import Any

from stakeholders import addresses
from stakeholders.imports import accounts
from stakeholders.imports.chunks import make_table, mark_of, trace
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
    f"p.email, p.first_name, p.last_name, p.title, p.phone, p.language, p.opt_out, p.contact_id, {accounts.COLUMNS}",
    """CROSS JOIN LATERAL jsonb_to_record(s.data) AS p(
        email text, first_name text, last_name text, title text, phone text, language text, opt_out boolean,
        contact_id text)"""
    + accounts.SOURCE,
)

# For a row `c` of chunk and its person `p`. Two systems know one person by two numbers; the first stays, or each
# import would change it back.
_DIFFERS = f"""COALESCE(
    {" OR ".join(f"c.{name} <> p.{name}" for name in _TEXTS)}
    OR c.opt_out <> p.marketing_opt_out OR (p.external_id = '' AND c.contact_id <> ''), false)"""

DECISION = f"""
    SELECT c.number, CASE
        WHEN p.id IS NULL THEN 'create'
        WHEN {_DIFFERS} OR (a.id IS NOT NULL AND {accounts.DIFFERS}) OR (c.akey IS NOT NULL AND m.id IS NULL)
        THEN 'update' ELSE 'same' END AS outcome
    FROM chunk c LEFT JOIN {TABLE} p ON p.address = c.key {accounts.MEANT}
    LEFT JOIN {PLACES} m ON m.contact_id = p.id AND m.account_id = a.id
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
    FROM chunk c JOIN {TABLE} p ON p.address = c.key WHERE c.staged <> 'duplicate' AND {_DIFFERS}
"""
_CHANGE = f"""
    UPDATE {TABLE} p SET {", ".join(f"{name} = x.{name}" for name in OWN)}, updated_at = %(now)s
    FROM changed x WHERE p.id = x.id
"""
# Somebody may add the same person at this moment; then they are simply there.
_ADDED = f"""
    WITH added AS (
        INSERT INTO {TABLE} AS made (email, address, external_id, {", ".join(_TEXTS)}, marketing_opt_out,
            suppressed_reason, updated_at)
        SELECT c.email, c.key, COALESCE(c.contact_id, ''), {", ".join(f"COALESCE(c.{name}, '')" for name in _TEXTS)},
            COALESCE(c.opt_out, false), '', %(now)s
        FROM chunk c WHERE c.is_first AND NOT EXISTS (SELECT 1 FROM {TABLE} p WHERE p.address = c.key)
        ORDER BY c.number
        ON CONFLICT (address) DO NOTHING
        RETURNING made.id, made.address, {mark_of(Contact, "made")} AS mark)
"""
_TRACE_ADDED = _ADDED + trace(
    "contact",
    "SELECT c.number, added.id, NULL::jsonb AS was, added.mark FROM added JOIN chunk c ON c.key = added.address AND c.is_first",
)
_JOINING = f"""
    SELECT min(c.number) AS number, p.id AS contact_id, n.account_id,
        row_number() OVER (PARTITION BY p.id ORDER BY min(c.number)) = 1
        AND NOT EXISTS (SELECT 1 FROM {PLACES} m WHERE m.contact_id = p.id AND m.is_main) AS is_main
    FROM chunk c JOIN {TABLE} p ON p.address = c.key JOIN named n ON n.akey = c.akey
    WHERE NOT EXISTS (SELECT 1 FROM {PLACES} m WHERE m.contact_id = p.id AND m.account_id = n.account_id)
    GROUP BY p.id, n.account_id
"""
_TRACE_JOINED = f"""
    WITH added AS (
        INSERT INTO {PLACES} AS made (contact_id, account_id, is_main)
        SELECT contact_id, account_id, is_main FROM joining ORDER BY number ON CONFLICT DO NOTHING
        RETURNING made.id, made.contact_id, made.account_id)
""" + trace(
    "membership",
    "SELECT j.number, added.id, NULL::jsonb AS was, 0 AS mark FROM added JOIN joining j USING (contact_id, account_id)",
)


def apply(cursor: Any, run: ImportRun, now: datetime) -> None:
    """Parents first: accounts, then people, then who is where."""
    accounts.save(cursor, run, now)
    parameters = {"run": run.pk, "now": now}
    make_table(cursor, "changed", _CHANGED)
    cursor.execute(_CHANGE, parameters)
    cursor.execute(
        trace(
            "contact",
            f"SELECT x.number, x.id, x.was, {mark_of(Contact, 'p')} AS mark FROM changed x JOIN {TABLE} p ON p.id = x.id",
        ),
        parameters,
    )
    cursor.execute(_TRACE_ADDED, parameters)
    make_table(cursor, "joining", _JOINING)
    cursor.execute(_TRACE_JOINED, parameters)
