"""Which column of a file means what: proposed from the names, remembered for files with the same names."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crisiscomms.refusal import Refused
from stakeholders.models import ColumnMapping

# Field key → column name. Names are unique in a file, so a mapping survives columns that change places.
Mapping = dict[str, str]


@dataclass(frozen=True)
class Field:
    """One thing that a column can mean. `limit` is what the table holds."""

    key: str
    label: str
    limit: int
    synonyms: tuple[str, ...]


# The words are compared without case, blanks and signs. The order decides when a column could mean two things.
FIELDS = (
    Field("email", "E-mail address", 254, ("email", "emailaddress", "contactemail", "workemail", "mail")),
    Field("first_name", "First name", 120, ("firstname", "givenname", "forename", "vorname", "prenom", "nombre")),
    Field("last_name", "Last name", 120, ("lastname", "surname", "familyname", "nachname", "apellidos")),
    Field("title", "Job title", 200, ("title", "jobtitle", "position", "function")),
    Field(
        "phone",
        "Phone",
        40,
        ("phone", "phonenumber", "mobilephonenumber", "mobilephone", "mobile", "businessphone", "telephone", "telefon"),
    ),
    Field("language", "Language", 12, ("language", "preferredlanguage", "locale", "sprache", "contactlanguage")),
    Field(
        "opt_out",
        "Marketing opt-out",
        20,
        (
            "emailoptout",
            "hasoptedoutofemail",
            "optout",
            "optedout",
            "marketingoptout",
            "unsubscribed",
            "unsubscribedfromallemail",
            "donotemail",
        ),
    ),
    Field("contact_id", "Contact ID", 80, ("contactid", "recordid", "contactrecordid", "personid")),
    Field(
        "account_id",
        "Account ID",
        80,
        ("accountid", "companyid", "companyrecordid", "associatedcompanyid", "primaryassociatedcompanyid"),
    ),
    Field(
        "account_name",
        "Account name",
        200,
        ("accountname", "account", "companyname", "company", "associatedcompany", "organisation", "organization"),
    ),
    Field("kind", "Customer, partner or prospect", 80, ("lifecyclestage", "accounttype", "type", "relationship")),
    Field(
        "value",
        "Account value",
        40,
        ("accounttier", "tier", "accountvalue", "value", "segment", "customertier", "companytier"),
    ),
    Field("revenue", "Annual revenue", 40, ("annualrevenue", "revenue", "arr", "annualrecurringrevenue", "umsatz")),
    Field("region", "Region", 40, ("region", "countryregion", "territory", "country", "billingcountry")),
    Field("time_zone", "Time zone", 64, ("timezone", "tz", "zone")),
    Field("products", "Products used", 10_000, ("products", "product", "productsused", "productlist", "subscriptions")),
    Field(
        "owner_email",
        "Account owner's e-mail",
        254,
        ("accountowneremail", "owneremail", "contactowner", "accountowner", "owner", "companyowner"),
    ),
)
BY_KEY = {field.key: field for field in FIELDS}
_PLAIN = re.compile(r"[\W_]+")


def propose(headers: Sequence[str]) -> Mapping:
    """What the columns probably mean: as last time for the same names, else by their names."""
    remembered = ColumnMapping.objects.filter(signature=signature(headers)).first()
    if remembered:
        known = {key: name for key, name in remembered.mapping.items() if key in BY_KEY and name in headers}
        if known:
            return known
    return by_name(headers)


def by_name(headers: Sequence[str]) -> Mapping:
    plain = {_plain(name): name for name in reversed(headers)}
    found: Mapping = {}
    for field in FIELDS:
        match = next((plain[word] for word in field.synonyms if word in plain), None)
        if match and match not in found.values():
            found[field.key] = match
    return found


def check(mapping: Mapping, headers: Sequence[str]) -> Mapping:
    """Refuse a mapping that cannot be used; return it otherwise."""
    if not mapping.get("email"):
        raise Refused("Choose the column that holds the e-mail address. Without it nobody can be imported.")
    for key, name in mapping.items():
        if key not in BY_KEY or name not in headers:
            raise Refused("The columns have changed since you opened the page. Look at them again.")
    taken = list(mapping.values())
    if len(set(taken)) != len(taken):
        raise Refused("One column cannot mean two things.")
    return mapping


def remember(headers: Sequence[str], mapping: Mapping, *, now: datetime) -> None:
    ColumnMapping.objects.update_or_create(signature=signature(headers), defaults={"mapping": mapping, "used_at": now})


def signature(headers: Sequence[str]) -> str:
    """The same for files whose columns have the same names, in any order."""
    names = sorted(" ".join(name.casefold().split()) for name in headers)
    return hashlib.sha256("\x1f".join(names).encode()).hexdigest()


def _plain(name: str) -> str:
    return _PLAIN.sub("", unicodedata.normalize("NFKC", name).casefold())
