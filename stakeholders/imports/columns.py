"""What a column of a file can mean, for each importable thing."""

from dataclasses import dataclass, replace
from typing import Any

# Field key → what a row's cell says, as typed or as read.
Given = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """One thing that a column can mean. `limit` is what the table holds."""

    key: str
    label: str
    limit: int
    synonyms: tuple[str, ...]


# The words are compared without case, blanks and signs. The order decides when a column could mean two things.
PERSON = (
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
)
ACCOUNT = (
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
CONTACT_COLUMNS = PERSON + ACCOUNT
_TIER = Field("tier", "Tier", 20, ("tier", "tiernumber", "calltier"))
# In a file of accounts nothing but the account can be meant, so shorter words will do. A column called Tier is the
# tier there; among contacts it is the account's value, by which policy sets the tier.
_SHORT = {
    "account_id": ("id", "externalid", "recordid", "crmid", "accountnumber"),
    "account_name": ("name",),
    "owner_email": ("owneremailaddress",),
}


def _alone(field: Field) -> Field:
    synonyms = (*field.synonyms, *_SHORT.get(field.key, ()))
    return replace(field, synonyms=tuple(word for word in synonyms if word != "tier"))


ACCOUNT_COLUMNS = (*map(_alone, ACCOUNT), _TIER)
