"""What a chunk of rows meets in the database, and what it changes there.

Staging takes the rows and throws the changes away; applying takes the same rows and saves them. One code decides
both, so the preview is what will happen.

Whose word counts: the file's, except that blank cells say nothing, an account's standing only rises (prospect,
partner, customer: a sales system that knows a customer as a lead must not make us treat them as one), and consent and
bounces are not the file's business (only the marketing opt-out is).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from crisiscomms import policy
from crisiscomms.models import Policy, User
from stakeholders.models import Account, Contact, ImportRow, Membership
from stakeholders.naming import name_key

Outcome = ImportRow.Outcome

STANDING = {Account.Kind.PROSPECT: 0, Account.Kind.PARTNER: 1, Account.Kind.CUSTOMER: 2}
ACCOUNT_FIELDS = (
    *("external_id", "name", "name_key", "kind", "value", "tier", "revenue", "region", "time_zone", "products"),
    *("owner_email", "owner", "updated_at"),
)
CONTACT_FIELDS = (
    *("external_id", "first_name", "last_name", "title", "phone", "language", "marketing_opt_out", "updated_at"),
)
_TIERS = {"strategic": 1, "important": 2, "standard": 3}
_PERSON = ("first_name", "last_name", "title", "phone", "language")
_FACTS = ("region", "time_zone", "products", "owner_email")


def tiers() -> dict[str, int]:
    """Which tier an account of each value is in, by policy."""
    try:
        found: dict[str, int] = policy.current("delivery").get("value_to_tier", {})
    except Policy.DoesNotExist:
        found = {}
    return {**_TIERS, **found}


@dataclass
class Known:
    """The accounts and people that a chunk of rows names, as they are and as the rows leave them."""

    now: datetime
    tiers: dict[str, int]
    owners: dict[str, User] = field(default_factory=dict)
    by_id: dict[str, Account] = field(default_factory=dict)
    by_key: dict[str, Account] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    # Address → the accounts the person is in, by identity: new accounts have no number yet.
    places: dict[str, list[Account]] = field(default_factory=dict)
    has_main: set[str] = field(default_factory=set)
    new_accounts: list[Account] = field(default_factory=list)
    new_contacts: list[Contact] = field(default_factory=list)
    new_memberships: list[Membership] = field(default_factory=list)
    changed_accounts: dict[int, Account] = field(default_factory=dict)
    changed_contacts: dict[int, Contact] = field(default_factory=dict)

    def take(self, address: str, data: dict[str, Any], *, is_duplicate: bool = False) -> str:
        """Let one row say what it says. Returns what that did to the person."""
        account, has_changed = self._take_account(data["account"]) if "account" in data else (None, False)
        contact = self.contacts.get(address)
        is_new = contact is None
        if contact is None:
            contact = self._add_contact(address, data)
        elif not is_duplicate:
            has_changed |= self._change_contact(contact, data)
        if account and self._join(contact, account):
            has_changed = True
        if is_new:
            return Outcome.CREATE
        return Outcome.UPDATE if has_changed else Outcome.SAME

    def _take_account(self, facts: dict[str, Any]) -> tuple[Account, bool]:
        account = self._find(facts["id"], name_key(facts["name"]))
        if account is None:
            account = Account(name=facts["name"], updated_at=self.now)
            self.new_accounts.append(account)
        wants = self._account_wants(account, facts)
        changes = {name: value for name, value in wants.items() if getattr(account, name) != value}
        _put(account, changes, now=self.now)
        self._index(account)
        if account.pk and changes:
            self.changed_accounts[account.pk] = account
        return account, bool(account.pk and changes)

    def _find(self, external_id: str, key: str) -> Account | None:
        if not external_id:
            return self.by_key.get(key)
        if external_id in self.by_id:
            return self.by_id[external_id]
        # The same name without a number: now we learn the number. With another number it is another company.
        namesake = self.by_key.get(key)
        return namesake if namesake and not namesake.external_id else None

    def _account_wants(self, account: Account, facts: dict[str, Any]) -> dict[str, Any]:
        wants: dict[str, Any] = {name: facts[name] for name in _FACTS if name in facts}
        if facts["id"]:
            wants["external_id"] = facts["id"]
            if facts["name"] != facts["id"]:
                wants["name"] = facts["name"]
        wants["name_key"] = name_key(wants.get("name", account.name))
        if "revenue" in facts:
            wants["revenue"] = Decimal(facts["revenue"])
        if "kind" in facts and (_is_blank(account) or STANDING[facts["kind"]] > STANDING[Account.Kind(account.kind)]):
            wants["kind"] = facts["kind"]
        if "value" in facts and (_is_blank(account) or facts["value"] != account.value):
            # Only a new value moves the tier: one that somebody chose by hand stays.
            wants |= {"value": facts["value"], "tier": self.tiers[facts["value"]]}
        elif _is_blank(account):
            wants["tier"] = self.tiers[account.value]
        if "owner_email" in facts:
            wants["owner"] = self.owners.get(facts["owner_email"])
        return wants

    def _index(self, account: Account) -> None:
        if account.external_id:
            self.by_id[account.external_id] = account
        held = self.by_key.get(account.name_key)
        # A row without a number means the account that has none, if there is one, else the oldest of that name.
        if held is None or (held.external_id and not account.external_id):
            self.by_key[account.name_key] = account

    def _add_contact(self, address: str, data: dict[str, Any]) -> Contact:
        contact = Contact(email=data["email"], address=address, updated_at=self.now)
        _put(contact, _contact_wants(contact, data), now=self.now)
        self.contacts[address] = contact
        self.new_contacts.append(contact)
        return contact

    def _change_contact(self, contact: Contact, data: dict[str, Any]) -> bool:
        wants = _contact_wants(contact, data)
        changes = {name: value for name, value in wants.items() if getattr(contact, name) != value}
        _put(contact, changes, now=self.now)
        if contact.pk and changes:
            self.changed_contacts[contact.pk] = contact
        return bool(changes)

    def _join(self, contact: Contact, account: Account) -> bool:
        places = self.places.setdefault(contact.address, [])
        if any(account is place for place in places):
            return False
        places.append(account)
        is_main = contact.address not in self.has_main
        self.has_main.add(contact.address)
        self.new_memberships.append(Membership(contact=contact, account=account, is_main=is_main))
        return True

    def save(self) -> None:
        """Write everything that changed, each table in one statement. Parents first."""
        Account.objects.bulk_create(self.new_accounts)
        _overwrite(Account, self.changed_accounts.values(), ACCOUNT_FIELDS)
        Contact.objects.bulk_create(self.new_contacts)
        _overwrite(Contact, self.changed_contacts.values(), CONTACT_FIELDS)
        for membership in self.new_memberships:
            # Both had no number when they were joined in memory.
            membership.contact_id, membership.account_id = membership.contact.pk, membership.account.pk
        Membership.objects.bulk_create(self.new_memberships, ignore_conflicts=True)


def load(rows: Sequence[tuple[str, dict[str, Any]]], *, now: datetime, tiers: dict[str, int]) -> Known:
    """Meet the rows' accounts, people and owners, in a handful of queries."""
    known = Known(now=now, tiers=tiers)
    named = [data["account"] for _, data in rows if "account" in data]
    ids = {facts["id"] for facts in named if facts["id"]}
    keys = {name_key(facts["name"]) for facts in named}
    by_pk: dict[int, Account] = {}
    for account in Account.objects.filter(Q(external_id__in=ids) | Q(name_key__in=keys)).order_by("pk"):
        by_pk[account.pk] = account
        known._index(account)
    _load_people(known, {address for address, _ in rows}, by_pk)
    emails = {facts["owner_email"] for facts in named if "owner_email" in facts}
    known.owners = {user.email.lower(): user for user in User.objects.active().filter(email__in=emails)}
    _load_current_owners(known, by_pk.values())
    return known


def _load_people(known: Known, addresses: set[str], by_pk: dict[int, Account]) -> None:
    contacts = {contact.pk: contact for contact in Contact.objects.filter(address__in=addresses)}
    known.contacts = {contact.address: contact for contact in contacts.values()}
    memberships = Membership.objects.filter(contact_id__in=contacts)
    for contact_id, account_id, is_main in memberships.values_list("contact_id", "account_id", "is_main"):
        address = contacts[contact_id].address
        if account_id in by_pk:
            known.places.setdefault(address, []).append(by_pk[account_id])
        if is_main:
            known.has_main.add(address)


def _load_current_owners(known: Known, accounts: Iterable[Account]) -> None:
    """Without this, comparing owners would ask the database once per account."""
    by_pk = {user.pk: user for user in known.owners.values()}
    wanted = {account.owner_id for account in accounts if account.owner_id} - set(by_pk)
    by_pk |= {user.pk: user for user in User.objects.filter(pk__in=wanted)}
    for account in accounts:
        account.owner = by_pk.get(account.owner_id) if account.owner_id else None


def _contact_wants(contact: Contact, data: dict[str, Any]) -> dict[str, Any]:
    wants: dict[str, Any] = {name: data[name] for name in _PERSON if name in data}
    if "opt_out" in data:
        wants["marketing_opt_out"] = data["opt_out"]
    # Two systems know the same person by two numbers; the first stays, or each import would change it back.
    if "contact_id" in data and not contact.external_id:
        wants["external_id"] = data["contact_id"]
    return wants


def _put(thing: Account | Contact, changes: dict[str, Any], *, now: datetime) -> None:
    for name, value in changes.items():
        setattr(thing, name, value)
    if changes:
        thing.updated_at = now


def _is_blank(account: Account) -> bool:
    """Whether the account was made by this very row: nothing is known of it yet."""
    return account.pk is None and not account.name_key


def _overwrite(model: Any, things: Iterable[Account | Contact], fields: tuple[str, ...]) -> None:
    """All changes of a chunk as one upsert: ten times faster than an UPDATE with a CASE per row."""
    model.objects.bulk_create(things, update_conflicts=True, unique_fields=["id"], update_fields=fields)
