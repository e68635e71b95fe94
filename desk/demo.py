"""A living example: a fictional company in the thirty-first minute of a disruption, made by the real actions.

Every step runs at its own past time (crisiscomms.clock), so what stands in the record is what would have.
"""

import csv
import io
import random
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.db import transaction

from crisiscomms import clock, people
from crisiscomms.embedded import inbox
from crisiscomms.models import User
from crisiscomms.organisation import set_organisation
from delivery import actions as delivery
from delivery import sender, sweeping, team_mail
from delivery.channels import email as door
from delivery.channels.smtp import Envelope, Result
from desk import defaults
from incidents import actions as incidents
from incidents import deadlines
from incidents.models import Component, Incident, Product
from messaging import actions as messaging
from messaging.content import Content
from messaging.models import ApprovalRequest, Message
from stakeholders import actions as stakeholders
from stakeholders.imports import running
from stakeholders.models import ImportRun

PASSWORD = "demo"
DATA = Path(__file__).parent / "data" / "demo.yaml"
FIRST = [
    "Lena",
    "Corin",
    "Mara",
    "Ivo",
    "Tessa",
    "Noor",
    "Elias",
    "Runa",
    "Piet",
    "Amara",
    "Jonas",
    "Wilma",
    "Kenji",
    "Sofia",
    "Bram",
    "Yara",
    "Otto",
    "Leonie",
    "Emre",
    "Astrid",
]
LAST = [
    "Osterwick",
    "Wexmoor",
    "Halvorsen",
    "Brandt",
    "Okonjo",
    "Petrov",
    "Lindgren",
    "Castellan",
    "Moreau",
    "Tanaka",
    "Ruiz",
    "Kowalska",
    "Adler",
    "Voss",
    "Nakamura",
]
PLACES = [
    "Bluegate",
    "Pallas",
    "Dunmere",
    "Ostara",
    "Cinder",
    "Mossgate",
    "Harrowfen",
    "Larkspur",
    "Tidewell",
    "Brackwater",
    "Fennel",
    "Quarry",
    "Amberly",
    "Stonecrop",
    "Willowby",
]
TRADES = ["Retail", "Freight", "Bank", "Health", "Foods", "Travel", "Energy", "Games", "Insurance", "Logistics"]
HEADINGS = (
    "Account ID,Account Name,Account Tier,Annual Revenue,Region,Time Zone,Products,Account Owner Email,"
    "First Name,Last Name,Email,Title,Email Opt Out"
)
ZONES = ["Europe/Berlin", "Europe/Paris", "Europe/London", "America/New_York", "Asia/Singapore"]


class InboxSession:
    """Stands where the mail server stands: takes every mail, into the local inbox when there is one."""

    def send_many(self, mails: Iterable[Envelope]) -> Generator[Result, None, None]:
        for mail in mails:
            if settings.LOCAL_INBOX_DIR:
                folder = Path(settings.LOCAL_INBOX_DIR)
                folder.mkdir(parents=True, exist_ok=True)
                inbox.store(mail.data, sender=mail.sender, to=[mail.recipient], folder=folder)
            yield Result(mail.key, "sent", 250, "2.0.0 taken")

    def close(self) -> None:
        return None


@contextmanager
def _mail_into_inbox() -> Iterator[None]:
    door.reset_session()
    door._session = InboxSession()
    try:
        yield
    finally:
        door.reset_session()


class Story:
    """The clock of the demo: minutes before (negative) or after the moment it is loaded."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.data: dict[str, Any] = yaml.safe_load(DATA.read_text(encoding="utf-8"))
        self.person: dict[str, User] = {}

    def at(self, minutes: float) -> datetime:
        return self.now + timedelta(minutes=minutes)

    def who(self, name: str) -> User:
        return self.person[f"{name}@demo.example"]


@transaction.atomic
def load(*, now: datetime) -> Incident | None:
    """Make the demo on an empty database; None, and nothing done, when anybody is there already.

    One transaction: a load that fails in the middle leaves an empty database, not half an example.
    """
    if User.objects.get_queryset().exists():
        return None
    defaults.load(now=now)
    story = Story(now)
    _company(story)
    _contacts(story)
    with _mail_into_inbox():
        incident = _first_half_hour(story)
        _send_team_mails(story, 0)
    return incident


def _company(story: Story) -> None:
    set_organisation(by=None, now=story.at(-60 * 24 * 90), **story.data["organisation"])
    before = story.at(-60 * 24 * 90)
    deputies = []
    for item in story.data["people"]:
        fields = {key: item[key] for key in ("email", "name", "roles", "title", "time_zone")}
        story.person[item["email"]] = people.add_person(by=None, now=before, **fields)
        if "deputy_of" in item:
            deputies.append((item["deputy_of"], item["email"]))
    # One hash for all: each would take a third of a second.
    User.objects.get_queryset().update(password=make_password(PASSWORD))
    for whom, deputy in deputies:
        User.objects.get_queryset().filter(email=whom).update(deputy=story.person[deputy])
    for position, product in enumerate(story.data["products"]):
        made = Product.objects.create(name=product["name"], position=position)
        for number, component in enumerate(product["components"]):
            Component.objects.create(
                product=made, name=component["name"], description=component["description"], position=number
            )


def contacts_csv(accounts: int = 60) -> bytes:
    """A believable customer list: the same every time, addresses under .example only."""
    chance = random.Random(42)
    names = [f"{place} {trade}" for place in PLACES for trade in TRADES]
    chance.shuffle(names)
    products = ["Payments API", "Webhooks", "Dashboard", "Data Pipeline", "Mobile SDK"]
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(HEADINGS.split(","))
    for number, name in enumerate(names[:accounts]):
        value = "Strategic" if number < 6 else "Important" if number < 20 else "Standard"
        revenue = {"Strategic": 900_000, "Important": 120_000, "Standard": 18_000}[value] + chance.randrange(9_000)
        uses = sorted(
            {"Payments API", *chance.sample(products, 2)} if chance.random() < 0.75 else set(chance.sample(products, 2))
        )
        zone = chance.choice(ZONES)
        for person in range(6 if value == "Strategic" else 4 if value == "Important" else 2):
            first, last = chance.choice(FIRST), chance.choice(LAST)
            domain = name.lower().replace(" ", "") + ".example"
            rows.writerow(
                [
                    f"FH-{number:04}",
                    name,
                    value,
                    revenue,
                    zone.split("/")[0],
                    zone,
                    "; ".join(uses),
                    "sales@demo.example",
                    first,
                    last,
                    f"{first}.{last}{person}@{domain}".lower(),
                    chance.choice(["Head of payments", "Engineer", "Finance lead", "CTO"]),
                    "TRUE" if chance.random() < 0.05 else "FALSE",
                ]
            )
    return out.getvalue().encode()


def _contacts(story: Story) -> None:
    before = story.at(-60 * 24 * 30)
    with clock.at(before):
        file = ContentFile(contacts_csv(), name="customers.csv")
        run = stakeholders.start_import(
            file=file, name="customers.csv", by=story.who("cs"), now=before, in_background=False
        )
        _work(run)
        stakeholders.apply_import(run_id=run.pk, by=story.who("cs"), now=before, in_background=False)
        _work(run)


def _work(run: ImportRun) -> None:
    while running.work(run_id=run.pk):
        pass
    run.refresh_from_db()


def _first_half_hour(story: Story) -> Incident:
    incident = _declare(story)
    acknowledgement = story.data["acknowledgement"]
    message = _write(story, incident, acknowledgement, -26, -24)
    returned = messaging.request_approval(message_id=message.pk, by=story.who("pmm"), now=story.at(-24))
    _send_team_mails(story, -23.5)
    _decide(story, returned.pk, "returned", acknowledgement["comment"]["text"], -22)
    _edit(message, acknowledgement["edits"], story, -20)
    request = messaging.request_approval(message_id=message.pk, by=story.who("pmm"), now=story.at(-19.5))
    _send_team_mails(story, -19)
    _decide(story, request.pk, "approved", "", -17)
    _send(story, message, -16)
    incidents.reach_milestone(incident=incident, kind="verified", by=story.who("product"), now=story.at(-10))
    incidents.move_phase(incident_id=incident.pk, to="management", by=story.who("pmm"), now=story.at(-9))
    update = _write(story, incident, story.data["update"], -7, -5)
    _edit(update, story.data["update"]["edits"], story, -3)
    messaging.request_approval(message_id=update.pk, by=story.who("pmm"), now=story.at(-2))
    return incident


def _declare(story: Story) -> Incident:
    facts = story.data["incident"]
    states = {item["component"]: item["state"] for item in facts["affected"]}
    components = {one.pk: states[one.name] for one in Component.objects.filter(name__in=states)}
    incident = incidents.declare_incident(
        title=facts["title"],
        kind=facts["kind"],
        severity=facts["severity"],
        summary=facts["summary"],
        began_at=story.at(-41),
        discovered_at=story.at(-33),
        components=components,
        by=story.who("pmm"),
        now=story.at(-30),
    )
    _send_team_mails(story, -29.5)
    deadlines.tick(now=story.at(-29))
    return incident


def _write(story: Story, incident: Incident, text: dict[str, Any], start: float, done: float) -> Message:
    writer = story.person[text["author"]]
    message = messaging.start_message(
        incident_id=incident.pk, kind=text["message_kind"], by=writer, now=story.at(start)
    )
    content = Content.from_data(
        {**message.working, **{key: text[key] for key in text if key in Content.__dataclass_fields__}}
    )
    content.next_update_at = story.at(done + text["next_update_minutes"]).replace(second=0, microsecond=0).isoformat()
    messaging.edit_message(message_id=message.pk, content=content, by=writer, now=story.at(done))
    return message


def _edit(message: Message, edits: list[dict[str, str]], story: Story, minutes: float) -> None:
    message.refresh_from_db()
    content = Content.from_data(message.working)
    for edit in edits:
        before = getattr(content, edit["part"])
        setattr(content, edit["part"], before.replace(edit["find"], edit["replace"]))
    messaging.edit_message(
        message_id=message.pk, content=content, by=story.person[edits[0]["by"]], now=story.at(minutes)
    )


def _decide(story: Story, request_id: int, verdict: str, reason: str, minutes: float) -> None:
    request = ApprovalRequest.objects.select_related("version").get(pk=request_id)
    messaging.decide(
        request_id=request_id,
        person=story.who("exec"),
        verdict=verdict,
        reason=reason,
        fingerprint=request.version.fingerprint,
        proof="session",
        now=story.at(minutes),
    )
    _send_team_mails(story, minutes + 0.5)


def _send(story: Story, message: Message, minutes: float) -> None:
    delivery.order_dispatch(message_id=message.pk, by=story.who("pmm"), now=story.at(minutes))
    moment = story.at(minutes + 2.1)
    for dispatch_id in sweeping.sweep(now=moment):
        sender.work(dispatch_id=dispatch_id, now=lambda: moment)
    sweeping.sweep(now=story.at(minutes + 3))


def _send_team_mails(story: Story, minutes: float) -> None:
    moment = story.at(minutes)
    team_mail.send_due(now=lambda: moment)
