"""One installation with one of everything, for tests that ask every address as everybody.

Secrets stand in what has not been released: CANARY in every draft, reason, record, restricted incident and exercise.
"""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.core.files.base import ContentFile

from crisiscomms import changes, heartbeats, invitations
from crisiscomms.api.tokens import make_token
from crisiscomms.models import Notice, User
from delivery import sender, sweeping
from delivery.channels import email as door
from delivery.models import Dispatch
from incidents import actions as incidents
from incidents.models import (
    Component,
    DutyHours,
    DutyShift,
    Fact,
    Incident,
    RecordExport,
    Signal,
    SignalProposal,
    ThresholdRule,
)
from incidents.record import making
from messaging import actions as messaging
from messaging.models import ApprovalRequest, ApprovalSeat, Message
from recovery.actions import open_programme
from stakeholders import actions as stakeholders
from stakeholders.imports import running
from tests import factories
from tests.factories import NOW

CANARY = "Xanthoria"


class Taker:
    """Stands where the mail server stands and keeps every mail."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    def send_many(self, mails: Any) -> Any:
        from delivery.channels.smtp import Result

        for mail in mails:
            self.mails.append(mail)
            yield Result(mail.key, "sent", 250, "2.0.0 taken")

    def close(self) -> None:
        return None


@dataclass
class World:
    people: dict[str, User] = field(default_factory=dict)
    # What stands in an address, by its name; `hidden` is the same for the restricted incident.
    open: dict[str, Any] = field(default_factory=dict)
    hidden: dict[str, Any] = field(default_factory=dict)
    mails: list[Any] = field(default_factory=list)


def _setting_up(world: World, hidden: str) -> dict[str, Any]:
    """An invitation under way, a change that waits for a second person, products and versions to look at."""
    olga = world.people["administrator"]
    second = factories.make_user("second", roles=["administrator"])
    guest = User.objects.create_user("guest@team.example", None, name="Gwen Guest", roles=["support"])
    link = invitations.link(invitations.invite(person_id=guest.pk, by=olga, now=NOW))
    change = changes.ask(
        kind="roles", subject="person:0", title=f"{hidden}: give roles", payload={"person": guest.pk, "add": ["legal"]},
        differences=[("Roles", "support", hidden)], reason=hidden, by=second, now=NOW,
    )  # fmt: skip
    assert change is not None
    source = incidents.create_source(name="Alerts", kind="generic", by=olga, now=NOW).source
    component = Component.objects.first()
    assert component is not None
    setting_up = {"invitation": link.split("/")[-2], "change_id": change.pk, "version": 1, "kind": "chat_webhook"}
    setting_up |= {"source": "generic", "source_id": source.pk}
    return setting_up | {"component_id": component.pk, "product_id": component.product_id}


def furnish(settings: Any, files: Any) -> None:
    """What a world needs around it: files elsewhere, a worker's heartbeat, passwords that cost nothing to make."""
    settings.MEDIA_ROOT = files
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for name in (*heartbeats.LIMITS, heartbeats.BEAT):
        heartbeats.mark(name, now=NOW)


def make_world(*, released: str = "Some card payments fail", hidden: str = CANARY) -> World:
    """`released` is what everybody may read of the open incident, `hidden` stands in all that they may not."""
    world = World(people=_people(hidden))
    ada, ben = world.people["workshop"], world.people["asked"]
    contact = factories.make_contact(f"{hidden.lower()}@bluegate.example", factories.make_account(f"{hidden} Retail"))
    incidents.write_playbook(
        kind="service_disruption", severity="major", sections={"tasks": {"tasks": ["30 | legal | Ask the insurer"]}}, base=0,
        reason="First", by=ada, now=NOW,
    )  # fmt: skip
    activity = incidents.add_activity(name=f"{hidden} newsletter", kind="newsletter", owner=ada, by=ada, now=NOW)
    taker = Taker()
    door._session = taker
    world.open = _incident(ada, ben, released, hidden) | {
        "contact_id": contact.pk,
        "account_id": contact.accounts.get().pk,
        "activity_id": activity.pk,
    }
    world.hidden = world.open | _incident(ada, ben, hidden, hidden, restricted=True)
    _exercise(ada, ben, hidden)
    world.people |= _late_comers()
    common = {
        "person_id": ben.pk,
        "run_id": _import(ada, hidden),
        "uidb36": "1",
        "key": "x-y",
        "name": "none.eml",
        "pk": 1,
        "plan": "service_disruption-major",
    }
    common |= _setting_up(world, hidden)
    common["token_id"] = make_token(name=f"{hidden} program", scopes=["read"], days=90, by=ada, now=NOW)[0].pk
    common |= _duty(ben)
    # Ben's own; nobody else may open it.
    common["notice_id"] = Notice.objects.filter(person=ben, kind="approval_request").latest("pk").pk
    world.open |= common | {"token": door.unsubscribe_url(contact.pk).split("/")[-2]}
    world.hidden |= common | {"token": world.open["token"]}
    world.mails = taker.mails
    return world


def _duty(ben: User) -> dict[str, Any]:
    """Ben's hours and a shift: his to change, and the administrator's."""
    hours = DutyHours.objects.create(person=ben, role="executive", weekday=0, begins=time(8), ends=time(18))
    shift = DutyShift.objects.create(
        person=ben, role="executive", begins_at=NOW + timedelta(days=3), ends_at=NOW + timedelta(days=4)
    )
    return {"hours_id": hours.pk, "shift_id": shift.pk}


def _people(hidden: str) -> dict[str, User]:
    return {
        "workshop": factories.make_user("ada", roles=["product_marketing"]),
        "asked": factories.make_user("ben", roles=["executive"], title=f"{hidden} officer"),
        "sales": factories.make_user("cleo", roles=["sales"]),
        "administrator": factories.make_user("olga", roles=["administrator"]),
    }


def _late_comers() -> dict[str, User]:
    """They came after everything was asked and declared, so nobody asked them and they are on no team."""
    return {
        "not_asked": factories.make_user("dora", roles=["executive"]),
        "other": factories.make_user("carl", roles=["product_marketing"]),
    }


def _incident(ada: User, ben: User, released: str, hidden: str, **fields: Any) -> dict[str, Any]:
    """An incident in recovery, with messages in every state and what belongs to them."""
    restricted = bool(fields.get("restricted"))
    title = f"{hidden} behind {released}"
    component = _component(f"{hidden} vault" if restricted else "Card payments", is_public=not restricted)
    incident = factories.make_incident(
        ada, title=title, summary=f"{hidden} summary", components={component.pk: "partial"}, **fields
    )
    channels = {"channels": ["email"]} if restricted else {}
    texts = secret_texts(hidden) | channels
    public = {"public_title": released, "public_body": released, "say": [released], "affected_only": False} | channels
    sent = factories.make_approved(incident, ada, ben, subject=released, missing_reason=f"{hidden} reason", **public)
    dispatch = _send(sent, ada)
    waiting = factories.make_message(incident, ada, kind="update", **texts)
    asked = factories.ask(waiting, ada)
    approved = factories.make_approved(incident, ada, ben, kind="update", **texts)
    returned = factories.make_message(incident, ada, kind="update", **texts)
    factories.approve(factories.ask(returned, ada), ben, verdict="returned", reason=f"{hidden} returned")
    draft = factories.make_message(incident, ada, kind="update", **texts)
    for to in ("management", "resolution"):
        incidents.move_phase(incident_id=incident.pk, to=to, waive_reason=f"{hidden} waived", by=ada, now=NOW)
    incident.refresh_from_db()
    outward = _outward(ada, incident, hidden)
    task = open_programme(incident=incident, by=ada, now=NOW)[0]
    paper = ContentFile(f"{hidden} paper".encode(), f"{hidden}.txt")
    document = incidents.add_document(
        incident_id=incident.pk, key="", title=f"{hidden} note", file=paper, by=ada, now=NOW
    )
    incidents.waive_document(incident_id=incident.pk, key="verified", reason=f"{hidden} waived", by=ada, now=NOW)
    return {
        "number": incident.number,
        "message_id": draft.pk,
        "sent_id": sent.pk,
        "approved_id": approved.pk,
        "waiting_id": waiting.pk,
        "dispatch_id": dispatch.pk,
        "request_id": asked.pk,
        "link": link_for(asked, ben),
        "deadline_id": incident.deadlines.open().first().pk,
        "task_id": task.pk,
        "fact_id": _fact(incident, ada, hidden).pk,
        "document_id": document.pk,
        "export_id": _archive(incident, ada),
        "_incident": incident,
        **_signals(incident, ada, hidden),
        **outward,
    }


def _outward(ada: User, incident: Incident, hidden: str) -> dict[str, Any]:
    """Something halted, a mention and a competitor's reaction, all of them hidden."""
    item = incident.halt_items.get()
    mention = incidents.note_mention(
        incident_id=incident.pk, channel="forum", where=f"{hidden} forum", author=f"{hidden} author", quote=f"{hidden} quote",
        sentiment="negative", seen_at=NOW, needs_answer=True, by=ada, now=NOW,
    )  # fmt: skip
    reaction = incidents.note_reaction(
        incident_id=incident.pk, competitor=f"{hidden} rival", what=f"{hidden} offer", channel="press", claim=f"{hidden} claim",
        seen_at=NOW, by=ada, now=NOW,
    )  # fmt: skip
    return {
        "item_id": item.pk,
        "mention_id": mention.pk,
        "reaction_id": reaction.pk,
        "response_id": reaction.tasks.get().pk,
    }


def _fact(incident: Incident, by: User, hidden: str) -> Fact:
    """A question that has been answered, and changed once."""
    fact = incidents.add_fact(incident_id=incident.pk, label=f"{hidden} fact", value=f"{hidden} before", by=by, now=NOW)
    return incidents.change_fact(
        fact_id=fact.pk, seen=1, value=f"{hidden} value", confidence="believed", source=f"{hidden} log", by=by, now=NOW
    )


def _signals(incident: Incident, ada: User, hidden: str) -> dict[str, Any]:
    """Something noticed that belongs to the incident, and a rule that asks about it."""
    signal = incidents.report_signal(
        title=f"{hidden} noticed", text=f"{hidden} text", values={"tickets": 3, "word": hidden}, by=ada, now=NOW
    )
    incidents.attach_signal(signal_id=signal.pk, incident_id=incident.pk, by=ada, now=NOW)
    rule = ThresholdRule.objects.order_by("position", "pk")[0]
    proposal = SignalProposal.objects.create(
        rule=rule, rule_version=1, kind="service_disruption", severity="critical", reason=f"{hidden} reason",
        incident=incident, proposed_at=NOW,
    )  # fmt: skip
    Signal.objects.filter(pk=signal.pk).update(proposal=proposal, reason=f"{hidden} reason", due_at=None)
    return {"signal_id": signal.pk, "proposal_id": proposal.pk, "rule_id": rule.pk}


def _component(name: str, *, is_public: bool) -> Component:
    component = factories.make_component(name)
    Component.objects.filter(pk=component.pk).update(is_public=is_public)
    return component


def secret_texts(hidden: str) -> dict[str, Any]:
    return {
        "subject": f"{hidden} subject",
        "recognize": f"{hidden} recognize",
        "respond": f"{hidden} respond",
        "rebuild": f"{hidden} rebuild",
        "public_title": f"{hidden} title",
        "public_body": f"{hidden} body",
        "say": [f"{hidden} say"],
        "dont_say": [{"text": f"{hidden} not", "instead": f"{hidden} instead"}],
        "affected_only": False,
    }


def _exercise(ada: User, ben: User, hidden: str) -> Incident:
    incident = factories.make_incident(
        ada,
        title=f"{hidden} exercise",
        is_exercise=True,
        components={_component(f"{hidden} drill", is_public=False).pk: "outage"},
    )
    factories.make_approved(incident, ada, ben, **secret_texts(hidden), channels=["email"])
    return incident


def _send(message: Message, by: User) -> Dispatch:
    factories.order(message, by)
    for moment in (NOW, NOW + timedelta(seconds=1)):
        deliver(moment)
    return Dispatch.objects.get(message=message, channel="email")


def deliver(moment: datetime) -> None:
    for dispatch_id in sweeping.sweep(now=moment):
        sender.work(dispatch_id=dispatch_id, now=lambda: moment)


def link_for(request: ApprovalRequest, person: User) -> str:
    seat = ApprovalSeat.objects.select_related("stage__request__version").get(stage__request=request, person=person)
    return messaging.mint_link(seat=seat, now=NOW)


def _archive(incident: Incident, by: User) -> int:
    """The record taken out; of a restricted incident as if two people had said so."""
    export = RecordExport.objects.create(incident=incident, by=by, asked_at=NOW, next_try_at=NOW)
    making.work(export_id=export.pk, now=NOW)
    return export.pk


def _import(by: User, hidden: str) -> int:
    file = ContentFile(f"Email,First Name\nnew@x.example,{hidden}\n".encode(), "contacts.csv")
    run = stakeholders.start_import(file=file, name=f"{hidden}.csv", by=by, now=NOW, in_background=False)
    while running.work(run_id=run.pk):
        pass
    return run.pk
