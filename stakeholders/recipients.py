"""Recipient rules: whom a message goes to, in one SQL statement that counting, sampling and freezing share."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import connection

from stakeholders.models import Account

MANY, SHOWN_SECONDS = 5_000, 20
SUPPRESSED = "address does not work"
UNSUBSCRIBED = "unsubscribed from incident notices"
OPTED_OUT = "opted out of mail, and their account is not affected"


@dataclass(frozen=True)
class Rule:
    """Kinds and tiers of account; `affected_only`: accounts that use one of the affected products."""

    kinds: tuple[str, ...] = (Account.Kind.CUSTOMER,)
    tiers: tuple[int, ...] = (1, 2, 3)
    affected_only: bool = True
    affected: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The rule in plain language, as pages and approvals show it."""
        plural = {"customer": "customers", "partner": "partners", "prospect": "prospects"}
        who = " and ".join(plural[kind] for kind in self.kinds)
        tiers = "" if set(self.tiers) == {1, 2, 3} else ", tier " + " and ".join(map(str, sorted(self.tiers)))
        if self.affected_only:
            uses = " that use " + (" or ".join(self.affected) if self.affected else "an affected product")
        else:
            uses = ", affected or not"
        return f"All {who}{tiers}{uses}"


@dataclass(frozen=True)
class Reach:
    contacts: int
    accounts: int
    tiers: dict[int, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    unknown_products: int = 0

    def as_data(self) -> dict[str, Any]:
        return {
            "contacts": self.contacts,
            "accounts": self.accounts,
            "tiers": {str(tier): count for tier, count in self.tiers.items()},
            "skipped": self.skipped,
            "unknown_products": self.unknown_products,
        }


# One row per person: whoever sits in three affected accounts gets one message, and `accounts` counts all three.
# The strictest reason wins. A marketing opt-out does not stop a notice about the person's own account.
SELECTION = """
    SELECT c.id AS contact_id, c.address, c.email, c.first_name, c.last_name, c.language, c.marketing_opt_out,
        min(a.tier) AS tier,
        array_agg(a.id ORDER BY m.is_main DESC, a.id) AS accounts,
        (array_agg(a.name ORDER BY m.is_main DESC, a.id))[1] AS account,
        (array_agg(a.time_zone ORDER BY m.is_main DESC, a.id))[1] AS time_zone,
        (array_agg(
            array_to_string(ARRAY(SELECT p FROM unnest(a.products) p WHERE p = ANY(%(affected)s::varchar[]) ORDER BY p), ', ')
            ORDER BY m.is_main DESC, a.id))[1] AS products,
        CASE
            WHEN c.suppressed_at IS NOT NULL THEN %(suppressed)s
            WHEN c.unsubscribed_at IS NOT NULL THEN %(unsubscribed)s
            WHEN c.marketing_opt_out AND NOT bool_or(a.products && %(affected)s::varchar[]) THEN %(opted_out)s
            ELSE ''
        END AS skip
    FROM stakeholders_contact c
    JOIN stakeholders_membership m ON m.contact_id = c.id
    JOIN stakeholders_account a ON a.id = m.account_id
    WHERE a.kind = ANY(%(kinds)s::varchar[]) AND a.tier = ANY(%(tiers)s::smallint[])
      AND (NOT %(affected_only)s OR a.products && %(affected)s::varchar[])
    GROUP BY c.id
"""


def parameters(rule: Rule) -> dict[str, Any]:
    return {
        "kinds": list(rule.kinds),
        "tiers": list(rule.tiers),
        "affected": list(rule.affected),
        "affected_only": rule.affected_only,
        "suppressed": SUPPRESSED,
        "unsubscribed": UNSUBSCRIBED,
        "opted_out": OPTED_OUT,
    }


# The same choice as SELECTION, without what only a list needs: names, zones and products of a hundred thousand people
# cost ten times the counting. That both agree is tested.
COUNTED = """
    WITH chosen AS MATERIALIZED (
        SELECT id, tier, a.products && %(affected)s::varchar[] AS hit FROM stakeholders_account a
        WHERE a.kind = ANY(%(kinds)s::varchar[]) AND a.tier = ANY(%(tiers)s::smallint[])
          AND (NOT %(affected_only)s OR a.products && %(affected)s::varchar[])
    ), out AS MATERIALIZED (
        SELECT c.id, CASE WHEN c.suppressed_at IS NOT NULL THEN %(suppressed)s
                          WHEN c.unsubscribed_at IS NOT NULL THEN %(unsubscribed)s ELSE %(opted_out)s END AS skip
        FROM stakeholders_contact c
        WHERE (c.suppressed_at IS NOT NULL OR c.unsubscribed_at IS NOT NULL
               OR (c.marketing_opt_out AND NOT EXISTS (
                   SELECT 1 FROM stakeholders_membership o JOIN chosen a ON a.id = o.account_id
                   WHERE o.contact_id = c.id AND a.hit)))
    ), person AS MATERIALIZED (
        SELECT m.contact_id, min(a.tier) AS tier FROM stakeholders_membership m JOIN chosen a ON a.id = m.account_id
        GROUP BY m.contact_id
    )
    SELECT coalesce(out.skip, ''), person.tier, count(*) FROM person LEFT JOIN out ON out.id = person.contact_id
    GROUP BY 1, 2
    UNION ALL
    SELECT '#accounts', 0, count(*) FROM chosen a WHERE EXISTS (
        SELECT 1 FROM stakeholders_membership m WHERE m.account_id = a.id
          AND NOT EXISTS (SELECT 1 FROM out WHERE out.id = m.contact_id))
"""


def reach(rule: Rule) -> Reach:
    """How many people and accounts the rule reaches now, by tier, and who is left out and why."""
    contacts, accounts = 0, 0
    tiers: dict[int, int] = {}
    skipped: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, parameters(rule))
        for skip, tier, count in cursor.fetchall():
            if skip == "#accounts":
                accounts = count
            elif skip:
                skipped[skip] = skipped.get(skip, 0) + count
            else:
                contacts += count
                tiers[tier] = count
    return Reach(contacts, accounts, dict(sorted(tiers.items())), skipped, _unknown(rule))


def reach_shown(rule: Rule) -> Reach:
    """For pages that are drawn again and again: where there are many to count, a count of the last seconds will do.

    What is approved and what is sent is always counted anew.
    """
    said = f"{connection.settings_dict['NAME']} {rule!r}".encode()
    key = f"reach:{hashlib.blake2b(said, digest_size=16).hexdigest()}"
    kept: Reach | None = cache.get(key)
    if kept is not None:
        return kept
    found = reach(rule)
    if found.contacts >= MANY:
        cache.set(key, found, timeout=SHOWN_SECONDS)
    return found


def _unknown(rule: Rule) -> int:
    """People left out only because their account's products are not known: worth a look before sending."""
    if not rule.affected_only:
        return 0
    return (
        Account.objects.filter(kind__in=rule.kinds, tier__in=rule.tiers, products=[])
        .exclude(memberships=None)
        .values("memberships__contact")
        .distinct()
        .count()
    )


# Walks the accounts in the order of their list, by its index, and stops at the place that is wanted, instead of
# choosing everybody first. A person stands where their best account does.
PLACE = """
    SELECT person.id FROM (
        SELECT id, tier, name_key, a.products && %(affected)s::varchar[] AS hit FROM stakeholders_account a
        WHERE a.kind = ANY(%(kinds)s::varchar[]) AND a.tier = ANY(%(tiers)s::smallint[])
          AND (NOT %(affected_only)s OR a.products && %(affected)s::varchar[])
        ORDER BY tier, name_key, id OFFSET 0) a
    CROSS JOIN LATERAL (
        SELECT c.id FROM stakeholders_membership m JOIN stakeholders_contact c ON c.id = m.contact_id
        WHERE m.account_id = a.id AND c.suppressed_at IS NULL AND c.unsubscribed_at IS NULL
          AND (NOT c.marketing_opt_out OR a.hit OR EXISTS (
              SELECT 1 FROM stakeholders_membership o JOIN stakeholders_account b ON b.id = o.account_id
              WHERE o.contact_id = c.id AND b.products && %(affected)s::varchar[]
                AND b.kind = ANY(%(kinds)s::varchar[]) AND b.tier = ANY(%(tiers)s::smallint[])))
          AND NOT EXISTS (
              SELECT 1 FROM stakeholders_membership o JOIN stakeholders_account b ON b.id = o.account_id
              WHERE o.contact_id = c.id AND (b.tier, b.name_key, b.id) < (a.tier, a.name_key, a.id)
                AND b.kind = ANY(%(kinds)s::varchar[]) AND b.tier = ANY(%(tiers)s::smallint[])
                AND (NOT %(affected_only)s OR b.products && %(affected)s::varchar[]))
        ORDER BY c.id OFFSET 0) person
    LIMIT 1 OFFSET %(position)s
"""
ONE = SELECTION.replace("GROUP BY c.id", "AND c.id = %(contact)s GROUP BY c.id")


def sample(rule: Rule, *, position: int = 0) -> dict[str, Any] | None:
    """One real recipient, for previews; `position` walks through them in a stable order."""
    with connection.cursor() as cursor:
        cursor.execute(PLACE, {**parameters(rule), "position": position})
        found = cursor.fetchone()
        if found is None:
            return None
        cursor.execute(ONE, {**parameters(rule), "contact": found[0]})
        row = cursor.fetchone()
        return dict(zip([column[0] for column in cursor.description], row, strict=True))


def account_names(rule: Rule, *, limit: int = 5) -> list[str]:
    """The most valuable accounts that the rule reaches, to name a few."""
    accounts = Account.objects.filter(kind__in=rule.kinds, tier__in=rule.tiers)
    if rule.affected_only:
        accounts = accounts.filter(products__overlap=list(rule.affected))
    return list(accounts.order_by("tier", "-revenue", "name").values_list("name", flat=True)[:limit])
