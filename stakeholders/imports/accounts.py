"""Accounts: what a row says about one, which one it means, and how it changes it.

Whose word counts: the file's, except that blank cells say nothing, an account's standing only rises (prospect,
partner, customer: a sales system that knows a customer as a lead must not make us treat them as one), and a tier that
somebody chose by hand stays until the account's value changes or a file of accounts states the tier. Within one file
the first word about an account counts.
"""

from datetime import datetime
from typing import Any

from crisiscomms import policy
from crisiscomms.models import Policy, User
from stakeholders.imports.chunks import make_table, mark_of, trace, trace_new
from stakeholders.imports.columns import Given
from stakeholders.models import Account, ImportRun
from stakeholders.naming import name_key

TABLE = Account._meta.db_table
STANDING = {"prospect": 0, "partner": 1, "customer": 2}
NO_ACCOUNT = "no account name or number"
_TIERS = {"strategic": 1, "important": 2, "standard": 3}
_FACTS = ("called", "value", "tier", "revenue", "region", "time_zone", "products", "owner_email")
_GIVEN = ("kind", *_FACTS[1:])


def facts_of(given: Given) -> Given | None:
    """What a row says about its account, or nothing when it names none."""
    number, name = given.get("account_id", ""), given.get("account_name", "")
    if not number and not name:
        return None
    facts = {key: given[key] for key in _GIVEN if key in given}
    # An account that is known by its number alone is shown by it until a file names it.
    facts |= {"id": number, "name": name or number, "key": name_key(name or number)}
    if number and name and name != number:
        facts["called"] = name
    return facts


def key_of(typed: Given) -> str:
    number, name = typed.get("account_id", "").strip(), typed.get("account_name", "").strip()
    if not number and not name:
        raise ValueError(NO_ACCOUNT)
    return f"id:{number}" if number else f"name:{name_key(name)}"


def data_of(given: Given) -> Given:
    facts = facts_of(given)
    if facts is None:
        raise ValueError(NO_ACCOUNT)
    return {"account": facts}


def cells(data: Given) -> list[str]:
    account = data.get("account", {})
    return [account.get("name") or data.get("account_name", ""), account.get("id") or data.get("account_id", "")]


class Said:
    """What earlier rows of the file said about each account, as bits: a file may name 200 000 of them."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def take(self, data: Given) -> Given:
        facts = data.get("account")
        if facts is not None:
            data["account"] = self._only_news(facts)
        return data

    def _only_news(self, facts: Given) -> Given:
        key = f"id:{facts['id']}" if facts["id"] else f"name:{facts['key']}"
        known = self.known.get(key, 0)
        rises = STANDING[facts["kind"]] + 1 if "kind" in facts else 0
        news = {name: value for name, value in facts.items() if not known & _BITS.get(name, 0)}
        if "kind" in facts and rises <= known & 3:
            del news["kind"]
        if len(news) > len(_NAMES_IT):
            for name in news:
                known |= _BITS.get(name, 0)
            self.known[key] = known & ~3 | max(known & 3, rises)
        return news


_NAMES_IT = ("id", "name", "key")
# The two lowest bits hold the highest standing so far. What names the account, and what may still rise, has no bit.
_BITS = {name: 4 << place for place, name in enumerate(_FACTS)}


def tiers() -> dict[str, int]:
    """Which tier an account of each value is in, by policy."""
    try:
        found: dict[str, int] = policy.current("delivery").get("value_to_tier", {})
    except Policy.DoesNotExist:
        found = {}
    return {**_TIERS, **found}


def _standing(kind: str) -> str:
    return f"CASE {kind} WHEN 'customer' THEN 2 WHEN 'partner' THEN 1 WHEN 'prospect' THEN 0 END"


_KIND_OF = "CASE {} WHEN 2 THEN 'customer' WHEN 1 THEN 'partner' WHEN 0 THEN 'prospect' END"
_TIER_OF = "CASE {} WHEN 'strategic' THEN %(strategic)s WHEN 'important' THEN %(important)s ELSE %(standard)s END"
_OWNER = f"LEFT JOIN {User._meta.db_table} o ON o.email = {{}} AND o.is_active"
_NAMES = "ARRAY(SELECT jsonb_array_elements_text({}))::varchar[]"

COLUMNS = f"""
    CASE WHEN a->>'id' <> '' THEN 'id:' || (a->>'id') ELSE 'name:' || (a->>'key') END AS akey,
    a->>'id' AS a_id, a->>'name' AS a_name, a->>'key' AS a_key, a->>'called' AS called,
    {_standing("a->>'kind'")} AS standing, a->>'value' AS value, (a->>'tier')::smallint AS tier,
    (a->>'revenue')::numeric AS revenue, a->>'region' AS region, a->>'time_zone' AS time_zone,
    a->'products' AS products, a->>'owner_email' AS owner_email
"""
# Field by field: jsonb_to_record would take twice as long. OFFSET 0 keeps the account from being looked up each time.
SOURCE = "CROSS JOIN LATERAL (SELECT s.data->'account' AS a OFFSET 0) account"
LAYOUT = (COLUMNS, SOURCE)

# For a row `c` of chunk and the account `a` that it means: whether it changes it. NULL says nothing about it.
DIFFERS = f"""COALESCE(
    c.called <> a.name OR (c.a_id <> '' AND a.external_id = '') OR c.value <> a.value OR c.tier <> a.tier
    OR c.standing > {_standing("a.kind")} OR c.region <> a.region OR c.time_zone <> a.time_zone
    OR c.products <> to_jsonb(a.products) OR c.owner_email <> a.owner_email
    OR (c.revenue IS NOT NULL AND c.revenue IS DISTINCT FROM a.revenue)
    OR (c.owner_email IS NOT NULL AND o.id IS DISTINCT FROM a.owner_id), false)"""
# The account that each row means, as it is now. NOT NULL tells the planner that there may be none to look up.
MEANT = f"""
    LEFT JOIN (named n JOIN {TABLE} a ON a.id = n.account_id AND n.account_id IS NOT NULL) ON n.akey = c.akey
    {_OWNER.format("c.owner_email")}
"""

DECISION = f"""
    SELECT c.number, CASE WHEN a.id IS NULL THEN 'create' WHEN {DIFFERS} THEN 'update' ELSE 'same' END AS outcome
    FROM chunk c {MEANT}
"""

_NAMED = """
    SELECT akey, a_id, min(number) AS first, (array_agg(a_key ORDER BY number))[1] AS a_key,
        (array_agg(a_name ORDER BY number))[1] AS a_name, max(called) AS called, max(standing) AS standing,
        max(value) AS value, max(tier) AS tier, max(revenue) AS revenue, max(region) AS region,
        max(time_zone) AS time_zone, (array_agg(products) FILTER (WHERE products IS NOT NULL))[1] AS products,
        max(owner_email) AS owner_email, NULL::bigint AS account_id, NULL::text AS twin, false AS is_new,
        NULL::bigint AS mark
    FROM chunk WHERE akey IS NOT NULL GROUP BY akey, a_id
"""
_BY_NUMBER = f"""
    UPDATE named n SET account_id = a.id FROM {TABLE} a
    WHERE n.a_id <> '' AND a.external_id = n.a_id AND a.external_id <> ''
"""
# The same name without a number: now we learn the number. With another number it is another company.
_LEARNS_NUMBER = f"""
    UPDATE named n SET account_id = x.id FROM (
        SELECT DISTINCT ON (a.id) a.id, m.akey FROM named m
        JOIN {TABLE} a ON a.name_key = m.a_key AND a.external_id = ''
        WHERE m.a_id <> '' AND m.account_id IS NULL ORDER BY a.id, m.first) x
    WHERE n.akey = x.akey
"""
# A row without a number means the account that has none, if there is one, else the oldest of that name.
_BY_NAME = f"""
    UPDATE named n SET account_id = x.id FROM (
        SELECT DISTINCT ON (a.name_key) a.name_key, a.id FROM named m JOIN {TABLE} a ON a.name_key = m.a_key
        WHERE m.a_id = '' ORDER BY a.name_key, a.external_id <> '', a.id) x
    WHERE n.a_id = '' AND n.a_key = x.name_key
"""
# …or else the first of the file that has that name and a number.
_TWINS = """
    UPDATE named n SET twin = x.akey FROM (
        SELECT DISTINCT ON (a_key) a_key, akey FROM named WHERE a_id <> '' ORDER BY a_key, first) x
    WHERE n.a_id = '' AND n.account_id IS NULL AND n.a_key = x.a_key
"""


def meet(cursor: Any) -> None:
    """`named`: every account that the chunk names, once, with all that is said about it and which one it is."""
    make_table(cursor, "named", _NAMED)
    cursor.execute("ANALYZE named")
    for statement in (_BY_NUMBER, _LEARNS_NUMBER, _BY_NAME, _TWINS):
        cursor.execute(statement)


_ADD = f"""
    WITH made AS (
        INSERT INTO {TABLE} AS made (external_id, name, name_key, kind, value, tier, revenue, region, time_zone,
            products, owner_email, owner_id, updated_at)
        SELECT n.a_id, COALESCE(n.called, n.a_name), n.a_key, COALESCE({_KIND_OF.format("n.standing")}, 'customer'),
            COALESCE(n.value, 'standard'), COALESCE(n.tier, {_TIER_OF.format("n.value")}), n.revenue,
            COALESCE(n.region, ''), COALESCE(n.time_zone, ''), {_NAMES.format("COALESCE(n.products, '[]')")},
            COALESCE(n.owner_email, ''), o.id, %(now)s
        FROM named n {_OWNER.format("n.owner_email")}
        WHERE n.account_id IS NULL AND n.twin IS NULL ORDER BY n.first
        RETURNING made.id, made.external_id, made.name_key, {mark_of(Account, "made")} AS mark)
    UPDATE named n SET account_id = made.id, is_new = true, mark = made.mark FROM made
    WHERE n.account_id IS NULL AND n.twin IS NULL AND n.a_id = made.external_id AND n.a_key = made.name_key
"""
_JOIN_TWINS = "UPDATE named n SET account_id = m.account_id FROM named m WHERE n.twin = m.akey"
# A twin speaks of an account that this very chunk made.
_WANTED = f"""
    SELECT a.id, f.first, to_jsonb(a) AS was, a AS old,
        CASE WHEN a.external_id = '' THEN f.a_id ELSE a.external_id END AS external_id,
        COALESCE(f.called, a.name) AS name,
        CASE WHEN f.called IS NULL THEN a.name_key ELSE f.called_key END AS name_key,
        CASE WHEN f.standing > {_standing("a.kind")} THEN {_KIND_OF.format("f.standing")} ELSE a.kind END AS kind,
        COALESCE(f.value, a.value) AS value,
        COALESCE(f.tier, CASE WHEN f.value <> a.value THEN {_TIER_OF.format("f.value")} ELSE a.tier END) AS tier,
        COALESCE(f.revenue, a.revenue) AS revenue, COALESCE(f.region, a.region) AS region,
        COALESCE(f.time_zone, a.time_zone) AS time_zone,
        CASE WHEN f.products IS NULL THEN a.products ELSE {_NAMES.format("f.products")} END AS products,
        COALESCE(f.owner_email, a.owner_email) AS owner_email,
        CASE WHEN f.owner_email IS NULL THEN a.owner_id ELSE o.id END AS owner_id
    FROM (
        SELECT account_id, min(first) AS first, max(a_id) AS a_id, max(called) AS called,
            max(a_key) FILTER (WHERE called IS NOT NULL) AS called_key, max(standing) AS standing, max(value) AS value,
            max(tier) AS tier, max(revenue) AS revenue, max(region) AS region, max(time_zone) AS time_zone,
            (array_agg(products ORDER BY first) FILTER (WHERE products IS NOT NULL))[1] AS products,
            max(owner_email) AS owner_email
        FROM named WHERE account_id IS NOT NULL AND NOT is_new GROUP BY account_id) f
    JOIN {TABLE} a ON a.id = f.account_id {_OWNER.format("f.owner_email")}
"""
OWN = (
    *("external_id", "name", "name_key", "kind", "value", "tier", "revenue", "region", "time_zone", "products"),
    *("owner_email", "owner_id"),
)
_CHANGED = f"""
    SELECT * FROM ({_WANTED}) x
    WHERE ({", ".join(f"x.{name}" for name in OWN)}) IS DISTINCT FROM ({", ".join(f"(x.old).{name}" for name in OWN)})
"""
_CHANGE = f"""
    WITH changed AS MATERIALIZED ({_CHANGED}), done AS (
        UPDATE {TABLE} a SET {", ".join(f"{name} = x.{name}" for name in OWN)}, updated_at = %(now)s
        FROM changed x WHERE a.id = x.id RETURNING x.first AS number, x.id, x.was, {mark_of(Account, "a")} AS mark)
""" + trace("account", "SELECT * FROM done")
_TRACE_ADDED = trace_new("account", "SELECT first AS number, account_id AS id, mark FROM named WHERE is_new")


def save(cursor: Any, run: ImportRun, now: datetime) -> None:
    """The accounts of `named` as the chunk wants them; afterwards each row of `named` has its account."""
    parameters = {"run": run.pk, "now": now, **tiers()}
    cursor.execute(_ADD, parameters)
    cursor.execute(_JOIN_TWINS)
    cursor.execute(_TRACE_ADDED, parameters)
    cursor.execute(_CHANGE, parameters)


def apply(cursor: Any, run: ImportRun, now: datetime) -> None:
    save(cursor, run, now)
