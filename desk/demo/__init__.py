"""A living example: a fictional company with a past and one bad morning, made by the real actions.

Every step runs at its own past time (crisiscomms.clock), and between two steps time passes as it does in a running
installation. So what stands in the record is what would have.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

from crisiscomms.models import User
from desk import defaults
from desk.demo import company, customers
from desk.demo.company import PASSWORD
from desk.demo.passing import pass_time
from desk.demo.post import InboxSession, taking_mail
from desk.demo.scenes import Scene
from incidents.models import Incident
from stakeholders.models import Contact

__all__ = ["ACCOUNTS", "PASSWORD", "SCENES", "InboxSession", "load"]

DATA = Path(__file__).parent.parent / "data" / "demo"
# In the order in which they were declared; the last is the one that is live.
SCENES = ("compliance", "webhooks", "security", "exercise", "watch", "live")
ACCOUNTS = 600
FOUNDED, IMPORTED = timedelta(days=150), timedelta(days=140)
# How many people's addresses are dead, and how many mails to customers the local inbox keeps.
DEAD, KEPT = 9, 60


@transaction.atomic
def load(*, now: datetime, accounts: int = ACCOUNTS) -> Incident | None:
    """Make the demo on an empty database; None, and nothing done, when anybody is there already.

    Returns the live incident. One transaction: a load that fails in the middle leaves an empty database, not half an
    example.
    """
    if User.objects.get_queryset().exists():
        return None
    defaults.load(now=now - FOUNDED, with_playbooks=False)
    team = company.found(_read("company"), now=now - FOUNDED)
    file = customers.file_of(_read("customers"), accounts=accounts)
    customers.bring_in(file, by=team["cs"], now=now - IMPORTED)
    scenes = [Scene(_read(name), team=team, now=now) for name in SCENES]
    with taking_mail(InboxSession(dead=_dead(), customers=KEPT)) as post:
        _play(scenes, now=now, post=post)
    return scenes[-1].current()


def _play(scenes: list[Scene], *, now: datetime, post: InboxSession) -> None:
    """All steps of all scenes in the order of time."""
    script = [(moment, scene, step) for scene in scenes for moment, step in scene.script()]
    for moment, scene, step in sorted(script, key=lambda entry: entry[0]):
        pass_time(until=moment, today=now, post=post)
        scene.play(step, moment)
    pass_time(until=now, today=now, post=post)


def _dead() -> list[str]:
    """Found out by the mails about the first incidents, so that the live one reaches everybody it is sent to."""
    past = ["Dashboard", "Webhooks", "Data Pipeline"]
    known = Contact.objects.filter(accounts__kind="customer", accounts__products__overlap=past).distinct()
    addresses = list(known.order_by("address").values_list("address", flat=True))
    return addresses[:: max(len(addresses) // DEAD, 1)][:DEAD]


def _read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8"))
    return data
