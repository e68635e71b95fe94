"""The demo's customers: a file as a CRM would export it, and its way through the real import."""

import csv
import io
import random
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile

from crisiscomms import clock
from crisiscomms.models import User
from stakeholders import actions
from stakeholders.imports import running
from stakeholders.models import ImportRun

HEADINGS = [
    "Account ID",
    "Account Name",
    "Account Type",
    "Account Tier",
    "Annual Revenue",
    "Region",
    "Time Zone",
    "Products",
    "Account Owner Email",
    "Contact ID",
    "First Name",
    "Last Name",
    "Email",
    "Title",
    "Phone",
    "Language",
    "Email Opt Out",
]
# In a hundred people: who opted out of mail, who has no address in the file, who is in a second account as well.
OPTED_OUT, NO_ADDRESS, IN_TWO, NO_TITLE = 5, 1, 1, 8
# Numbers that are kept free for stories, so nobody is ever called by mistake.
PHONE = "+49 30 23125 {:03}"


def bring_in(file: bytes, *, by: User, now: datetime) -> ImportRun:
    """The contacts page's own import, without looking first."""
    with clock.at(now):
        run = actions.start_import(
            file=ContentFile(file, name="customers.csv"), name="customers.csv", by=by, now=now, in_background=False
        )
        _work(run)
        actions.apply_import(run_id=run.pk, by=by, now=now, in_background=False)
        _work(run)
    return run


def _work(run: ImportRun) -> None:
    while running.work(run_id=run.pk):
        pass
    run.refresh_from_db()


def file_of(data: dict[str, Any], *, accounts: int) -> bytes:
    """The customers' file: so many accounts, the same every time."""
    chance = random.Random(42)
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(HEADINGS)
    shared: list[list[str]] = []
    for number, (name, domain) in enumerate(_names(data, chance)[:accounts]):
        account = _account(data, chance, number, name, number * 100 // accounts)
        for person in _people(data, chance, account, domain):
            rows.writerow(account["cells"] + person)
            if chance.randrange(100) < IN_TWO:
                shared.append(person)
        if shared and chance.randrange(3) == 0:
            # Somebody who works for two: the same address again, under this account.
            rows.writerow(account["cells"] + shared.pop())
    return out.getvalue().encode()


def _names(data: dict[str, Any], chance: random.Random) -> list[tuple[str, str]]:
    pairs = [f"{place} {trade}" for place in data["places"] for trade in data["trades"]]
    chance.shuffle(pairs)
    names = [(name, plain(name).replace(".", "") + ".example") for name in pairs]
    for position, company in enumerate(data["elsewhere"], start=1):
        names.insert(position * 7, (company["name"], company["domain"]))
    return names


def _account(data: dict[str, Any], chance: random.Random, number: int, name: str, percent: int) -> dict[str, Any]:
    value, share = data["values"][0], data["values"][0]["share"]
    for following in data["values"][1:]:
        if percent >= share:
            value, share = following, share + following["share"]
    (region,) = chance.choices(data["regions"], [one["weight"] for one in data["regions"]])
    (kind,) = (
        chance.choices(list(data["kinds"]), list(data["kinds"].values()))
        if value["value"] == "Standard"
        else ("Customer",)
    )
    used = [product for product, share in data["products"].items() if chance.randrange(100) < share]
    cells = [
        f"FH-{number:04}",
        name,
        kind,
        value["value"],
        str(chance.randrange(value["revenue"][0], value["revenue"][1], 500)) if kind == "Customer" else "",
        region["name"],
        chance.choice(region["zones"]),
        "; ".join(used or ["Payments API"]) if kind != "Prospect" else "",
        f"{region['owner']}@demo.example",
    ]
    return {"cells": cells, "number": number, "value": value, "region": region}


def _people(data: dict[str, Any], chance: random.Random, account: dict[str, Any], domain: str) -> Iterator[list[str]]:
    for number in range(chance.randint(*account["value"]["people"])):
        if chance.randrange(100) < 4:
            first, last, local = chance.choice(data["named"])
        else:
            first, last = chance.choice(data["first"]), chance.choice(data["last"])
            local = f"{plain(first)}.{plain(last)}"
        yield [
            f"P-{account['number']:04}-{number:02}",
            first,
            last,
            f"{local}{number or ''}@{domain}" if chance.randrange(100) >= NO_ADDRESS else "",
            chance.choice(data["titles"]) if chance.randrange(100) >= NO_TITLE else "",
            PHONE.format(chance.randrange(1000)) if account["region"]["name"] == "Europe" else "",
            chance.choice(account["region"]["languages"]),
            "TRUE" if chance.randrange(100) < OPTED_OUT else "FALSE",
        ]


def plain(name: str) -> str:
    """A name as an address writes it: small Latin letters, dots between words."""
    spelled = name.lower().translate(str.maketrans({"ø": "o", "ł": "l", "ı": "i", "ß": "ss", "æ": "ae"}))
    letters = "".join(one for one in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(one))
    return ".".join(re.findall("[a-z]+", letters))
