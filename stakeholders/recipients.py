"""Recipient rules: whom a message goes to, in one SQL statement that counting, sampling and freezing share."""

from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from stakeholders.models import Account

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


def reach(rule: Rule) -> Reach:
    """How many people and accounts the rule reaches now, by tier, and who is left out and why."""
    query = f"""
        WITH chosen AS ({SELECTION})
        SELECT skip, tier, count(*) FROM chosen GROUP BY skip, tier
        UNION ALL
        SELECT '#accounts', 0, count(DISTINCT one.id) FROM chosen, unnest(accounts) AS one(id) WHERE skip = ''
    """
    contacts, accounts = 0, 0
    tiers: dict[int, int] = {}
    skipped: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(query, parameters(rule))
        for skip, tier, count in cursor.fetchall():
            if skip == "#accounts":
                accounts = count
            elif skip:
                skipped[skip] = skipped.get(skip, 0) + count
            else:
                contacts += count
                tiers[tier] = count
    return Reach(contacts, accounts, dict(sorted(tiers.items())), skipped, _unknown(rule))


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


def sample(rule: Rule, *, position: int = 0) -> dict[str, Any] | None:
    """One real recipient, for previews; `position` walks through them in a stable order."""
    query = f"SELECT * FROM ({SELECTION}) chosen WHERE skip = '' ORDER BY tier, account, contact_id LIMIT 1 OFFSET %(position)s"
    with connection.cursor() as cursor:
        cursor.execute(query, {**parameters(rule), "position": position})
        row = cursor.fetchone()
        if row is None:
            return None
        return dict(zip([column[0] for column in cursor.description], row, strict=True))


def account_names(rule: Rule, *, limit: int = 5) -> list[str]:
    """The most valuable accounts that the rule reaches, to name a few."""
    accounts = Account.objects.filter(kind__in=rule.kinds, tier__in=rule.tiers)
    if rule.affected_only:
        accounts = accounts.filter(products__overlap=list(rule.affected))
    return list(accounts.order_by("tier", "-revenue", "name").values_list("name", flat=True)[:limit])
