"""Writing: starting from a template, saving as one types, freezing versions."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from incidents import access, deadlines, disclosure
from incidents.actions import lock_incident
from incidents.models import Incident
from messaging import checking
from messaging.actions import approvals
from messaging.content import PARTS, Content, facts_of, fingerprint
from messaging.models import Message, MessageVersion, Template, TemplateVersion

State = Message.State


class BadContent(Refused):
    """The text cannot be kept as it is. `faults` maps a field to a sentence."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults


@transaction.atomic
def start_message(
    *,
    incident_id: int,
    kind: str,
    now: datetime,
    by: User | None,
    template: Template | None = None,
    owner: User | None = None,
) -> Message:
    """A new draft, from the fitting starter template unless one is named.

    `by=None` is the clock preparing the next update; `owner` then is whose draft it becomes.
    """
    incident = lock_incident(incident_id)
    if by is not None:
        access.require(by, "work", incident)
    if kind not in Message.Kind.values:
        raise Refused("Choose what kind of message it is.")
    if incident.phase == Incident.Phase.CLOSED:
        raise Refused("A closed incident takes no new messages.")
    writer = by or owner
    assert writer is not None
    version = starter(incident, kind, template)
    content = _first_content(incident, version, kind, now)
    number = (incident.messages.aggregate(top=Max("number"))["top"] or 0) + 1
    message = Message.objects.create(
        incident=incident,
        number=number,
        kind=kind,
        template_version=version,
        working=content.as_data(),
        working_by=writer,
        working_at=now,
        created_by=by,
        created_at=now,
    )
    text = f"{message.name}: draft started" + (f" from “{version.template}”" if version else "")
    audit.record(chain=incident.chain, verb="message.started", subject=message.subject_key, text=text, by=by, now=now)
    return message


def starter(incident: Incident, kind: str, template: Template | None = None) -> TemplateVersion | None:
    """The newest version of the template, or of the first that fits; None where none does."""
    fitting = Template.objects.filter(incident_kind=incident.kind, message_kind=kind).order_by("pk")
    if kind == Message.Kind.UPDATE and incident.milestones.filter(kind="mitigated").exists():
        fitting = fitting.order_by("-pk")
    chosen = template or fitting.first()
    return chosen.versions.order_by("-number").first() if chosen else None


def _first_content(incident: Incident, version: TemplateVersion | None, kind: str, now: datetime) -> Content:
    content = Content.from_data(version.content) if version else Content()
    content.facts = {}
    if not incident.may_be_public:
        content.channels = ["email"]
    closed = disclosure.closed_channels(incident)
    content.channels = [channel for channel in content.channels if channel not in closed]
    content.affected_only = incident.component_states.exists()
    if not content.affected_only:
        # No component is named, so there is no product to fill in: the starter says it in general words.
        for part in ("subject", *PARTS):
            setattr(content, part, getattr(content, part).replace("{{ products }}", "our service"))
    if kind != Message.Kind.RESOLVED:
        content.next_update_at = _promise(incident, version, now).isoformat()
    return content


def _promise(incident: Incident, version: TemplateVersion | None, now: datetime) -> datetime:
    """The template's suggestion, never later than the cadence of the severity; rounded to the quarter hour."""
    minutes = deadlines.severity_policy(incident)["cadence_minutes"]
    if version and version.template.next_update_minutes:
        minutes = min(minutes, version.template.next_update_minutes)
    moment = now + timedelta(minutes=minutes)
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0) if minutes > 15 else moment


@transaction.atomic
def save_draft(*, message_id: int, content: Content, revision: int, by: User, now: datetime) -> Message:
    """Keep what is being typed. Raises Conflict when somebody saved since `revision`, and keeps both apart.

    Text that could not be rendered yet is kept too: typing is never lost; submitting refuses it.
    """
    message = _lock(message_id, by)
    if message.state != State.DRAFT:
        raise Refused(_why_not_editable(message))
    _four_hands(message, by)
    content.facts = {}
    if content.as_data() == message.working:
        return message
    if revision != message.revision:
        raise Conflict(f"{message.working_by} saved this text after you opened it. Look at both before you go on.")
    if message.editors and message.editors[-1] != by.pk:
        _freeze(message, by=message.working_by, now=now)
    message.working = content.as_data()
    message.revision += 1
    message.working_by, message.working_at = by, now
    message.editors = [*(one for one in message.editors if one != by.pk), by.pk]
    message.save(update_fields=["working", "revision", "working_by", "working_at", "editors"])
    return message


@transaction.atomic
def edit_message(*, message_id: int, content: Content, by: User, now: datetime) -> MessageVersion:
    """Change the text and freeze it, from whatever state: any approval it had is void. For API, shell and demo."""
    message = _lock(message_id, by)
    if message.state in (State.IN_REVIEW, State.APPROVED):
        reopen_message(message_id=message_id, by=by, now=now)
        message.refresh_from_db()
    save_draft(message_id=message_id, content=content, revision=message.revision, by=by, now=now)
    return keep_version(message_id=message_id, by=by, now=now)


@transaction.atomic
def reopen_message(*, message_id: int, by: User, now: datetime) -> Message:
    """Go back to writing. The open request or the approval is void, and those asked are told."""
    message = _lock(message_id, by)
    if message.state not in (State.IN_REVIEW, State.APPROVED):
        raise Refused(_why_not_editable(message))
    approvals.void_approval(message=message, reason=f"{by} changes the text.", by=by, now=now)
    return message


@transaction.atomic
def keep_version(*, message_id: int, by: User, now: datetime) -> MessageVersion:
    """Freeze what stands there now. The same content again gives the version that exists."""
    message = _lock(message_id, by)
    faults = checking.faults_of_text(Content.from_data(message.working))
    if faults:
        raise BadContent(faults)
    return _freeze(message, by=by, now=now)


def _freeze(message: Message, *, by: User, now: datetime) -> MessageVersion:
    content = Content.from_data(message.working)
    content.facts = facts_of(message.incident)
    mark = fingerprint(content, incident_id=message.incident_id, template_version_id=message.template_version_id)
    last = message.versions.order_by("-number").first()
    if last and last.fingerprint == mark:
        return last
    authors = list(dict.fromkeys([*(last.authors if last else []), *message.editors, by.pk]))
    version = MessageVersion.objects.create(
        message=message,
        number=last.number + 1 if last else 1,
        content=content.as_data(),
        template_version=message.template_version,
        authors=authors,
        frozen_by=by,
        frozen_at=now,
        fingerprint=mark,
    )
    text = f"{message.name}: version {version.number} kept"
    audit.record(
        chain=message.incident.chain,
        verb="message.version",
        subject=message.subject_key,
        text=text,
        by=by,
        now=now,
        data={"fingerprint": mark},
    )
    return version


def _lock(message_id: int, by: User) -> Message:
    audit.hold(Message.objects.select_related("incident").get(pk=message_id).incident.chain)
    message = (
        Message.objects.select_for_update(of=("self",))
        .select_related("incident__lead", "working_by", "returned_by")
        .get(pk=message_id)
    )
    access.require(by, "work", message.incident)
    return message


def _four_hands(message: Message, by: User) -> None:
    """Who returned it cannot be the one who makes the edit (lessons, approval 2)."""
    if message.returned_by_id == by.pk:
        raise Refused("You returned this message for changes, so somebody else has to make them.")


def _why_not_editable(message: Message) -> str:
    words = {
        State.IN_REVIEW: "It is in approval. Changing the text ends that approval: press “Change the text” first.",
        State.APPROVED: "It is approved. Changing the text ends that approval: press “Change the text” first.",
        State.SENT: "It was sent. Write a new message to correct it.",
        State.REJECTED: "It was rejected and stays as it is. Start a new message.",
        State.DRAFT: "It is a draft already.",
    }
    return words[State(message.state)]
