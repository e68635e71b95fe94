"""The one approval workflow: asked, decided, voided, expired. An approval binds to one frozen version."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from crisiscomms import audit, notices, policy
from crisiscomms.models import User
from crisiscomms.refusal import Conflict, Refused
from incidents import access, deadlines, decisions
from incidents.actions import let_see
from incidents.models import Fact, Incident
from messaging import checking, facts
from messaging.content import Content
from messaging.models import ApprovalDecision, ApprovalLink, ApprovalRequest, ApprovalSeat, ApprovalStage, Message
from stakeholders import recipients

Verdict = ApprovalDecision.Verdict


def path_for(incident: Incident, message_kind: str) -> list[dict[str, Any]]:
    """The stages that this content would take: the first rule of the policy that matches."""
    for rule in policy.current("messaging")["rules"]:
        wanted = {"severity": incident.severity, "kind": incident.kind, "message_kind": message_kind}
        if all(rule[name] in ("any", value) for name, value in wanted.items()):
            stages: list[dict[str, Any]] = rule["stages"]
            return stages
    raise Refused("No approval rule matches this message. Ask an administrator to look at the approval policy.")


def approvers(stage: dict[str, Any], *, authors: set[int]) -> list[tuple[User, str]]:
    """Who is asked in a stage: (person, role). Nobody who wrote or submits it.

    `all` asks one person of each role (with `any`, everybody of the roles is asked and one answer is enough).
    """
    found: dict[int, tuple[User, str]] = {}
    for role in stage["roles"]:
        people = [person for person in User.objects.with_role(role) if person.pk not in authors | found.keys()]
        if stage["quorum"] == "all":
            # Who holds fewest of the roles first, so that whoever holds two is left for the other one.
            people = sorted(people, key=lambda person: len(set(person.roles) & set(stage["roles"])))[:1]
        for person in people:
            found[person.pk] = (person, role)
    return list(found.values())


def people_asked(
    path: list[dict[str, Any]], *, authors: set[int]
) -> list[tuple[dict[str, Any], list[tuple[User, str]]]]:
    """Each stage with its people. A person counts once: who has to answer in one stage is not asked in a later one."""
    out, asked = set(authors), []
    for stage in path:
        people = approvers(stage, authors=out)
        asked.append((stage, people))
        if stage["quorum"] == "all":
            out |= {person.pk for person, _ in people}
    return asked


@transaction.atomic
def request_approval(*, message_id: int, by: User, now: datetime) -> ApprovalRequest:
    """Freeze the text and ask the people of the policy. Raises Refused or BadContent with what to mend."""
    from messaging.actions import drafts

    message = _lock_message(message_id)
    access.require(by, "work", message.incident)
    decisions.require(by, decisions.Kind.MESSAGING, message.incident)
    decisions.require(by, decisions.Kind.CHANNELS, message.incident)
    if message.state != Message.State.DRAFT:
        raise Refused(f"This message is {message.get_state_display().lower()}, so it cannot be sent for approval.")
    content = Content.from_data(message.working)
    faults = checking.faults_for_approval(content, message.incident, now, message.kind)
    if faults:
        raise drafts.BadContent(faults)
    version = drafts.keep_version(message_id=message_id, by=by, now=now)
    settings = policy.current("messaging")["settings"]
    request = ApprovalRequest.objects.create(
        message=message,
        version=version,
        requested_by=by,
        requested_at=now,
        expires_at=_expiry(content, settings, now),
        reach=reach_of(content, message.incident),
        fresh_code=message.incident.severity in settings["fresh_code_for_severities"],
    )
    _seat(request, {*version.authors, by.pk}, now)
    _move(message, Message.State.IN_REVIEW)
    _say(request, "asked", f"{message.name}: sent for approval, version {version.number}", by, now)
    _open_stage(request.stages.first(), now)
    return request


def _expiry(content: Content, settings: dict[str, Any], now: datetime) -> datetime:
    """A day by default; sooner when the promise in the text would have passed by then (lessons, approval 5)."""
    latest = now + timedelta(hours=settings["expires_hours"])
    return min(latest, content.next_update) if content.next_update else latest


def reach_of(content: Content, incident: Incident) -> dict[str, Any]:
    """The reach as the approver is told it: people, accounts, tiers, who is left out, and whether the public reads it."""
    rule = content.rule_for(incident)
    data = recipients.reach(rule).as_data() if "email" in content.channels else recipients.Reach(0, 0).as_data()
    return {**data, "rule": rule.sentence(), "channels": content.channels, "such_as": recipients.account_names(rule)}


def _seat(request: ApprovalRequest, authors: set[int], now: datetime) -> None:
    path = path_for(request.message.incident, request.message.kind)
    for position, (stage, people) in enumerate(people_asked(path, authors=authors), start=1):
        if len({role for _, role in people}) < (len(stage["roles"]) if stage["quorum"] == "all" else 1):
            roles = " and ".join(stage["roles"]).replace("_", " ")
            raise Refused(f"Nobody can approve stage “{stage['label']}”: it needs {roles}, and not who wrote the text.")
        row = ApprovalStage.objects.create(
            request=request,
            position=position,
            label=stage["label"],
            roles=stage["roles"],
            quorum=stage["quorum"],
            minutes=stage["minutes"],
            escalate_to=stage.get("escalate_to_role") or "",
        )
        for person, role in people:
            ApprovalSeat.objects.create(stage=row, person=person, role=role, asked_at=now)


def _open_stage(stage: ApprovalStage | None, now: datetime) -> None:
    """Ask the people of a stage, by mail and on their home page, and start its clock."""
    assert stage is not None
    stage.state, stage.opened_at = ApprovalStage.State.OPEN, now
    stage.due_at = now + timedelta(minutes=stage.minutes)
    stage.save(update_fields=["state", "opened_at", "due_at"])
    message = stage.request.message
    _seat_deputies(stage, now)
    for seat in stage.seats.select_related("person"):
        ask(seat, now)
    first = stage.seats.select_related("person").first()
    assert first is not None
    deadlines.plan(
        incident=message.incident,
        kind="approval",
        subject=f"stage:{stage.pk}",
        title=f"Decide on {message.name.lower()}",
        owner=first.person,
        due_at=stage.due_at,
        now=now,
    )


def _seat_deputies(stage: ApprovalStage, now: datetime) -> None:
    """Who said that they are away is not waited for: their deputy is asked from the start."""
    sitting = {*stage.seats.values_list("person_id", flat=True)}
    authors = {*stage.request.version.authors, stage.request.requested_by_id}
    for seat in stage.seats.select_related("person__deputy"):
        deputy = seat.person.deputy
        if not seat.person.is_out(now) or deputy is None or not deputy.has_role(seat.role):
            continue
        if deputy.pk not in sitting | authors:
            ApprovalSeat.objects.create(stage=stage, person=deputy, role=seat.role, asked_at=now)
            sitting.add(deputy.pk)


def ask(seat: ApprovalSeat, now: datetime) -> None:
    let_see(incident=seat.stage.request.message.incident, person=seat.person)
    notices.tell([seat.person], kind="approval_request", key=f"seat:{seat.pk}", now=now, seat=seat.pk)


@transaction.atomic
def decide(
    *, request_id: int, person: User, verdict: str, fingerprint: str, proof: str, now: datetime, reason: str = ""
) -> ApprovalDecision:
    """Record one person's decision on the exact content they read.

    Raises Conflict when it is no longer open or the content differs, Refused when they may not. `proof` says
    how we know that it is them (see faults: the approval link, decided).
    """
    request = _lock_request(request_id)
    seat = _seat_of(request, person, now)
    _check_decision(request, seat, verdict, fingerprint, reason, now)
    try:
        with transaction.atomic():
            decision = ApprovalDecision.objects.create(
                request=request,
                stage=seat.stage,
                person=person,
                verdict=verdict,
                reason=reason.strip(),
                proof=proof,
                fingerprint=fingerprint,
                at=now,
            )
    except IntegrityError as error:
        if "four_eyes" in str(error):
            raise Refused("Somebody else has to approve what you wrote or submitted.") from None
        raise Conflict("You have decided on this already.") from None
    text = (
        f"{request.message.name}: {decision.get_verdict_display().lower()} by {person}, {decision.get_proof_display()}"
    )
    _say(request, verdict, text + (f". {decision.reason}" if decision.reason else ""), person, now)
    _follow(request, seat.stage, decision, now)
    return decision


def _seat_of(request: ApprovalRequest, person: User, now: datetime) -> ApprovalSeat:
    if request.state != ApprovalRequest.State.OPEN:
        raise Conflict(over_words(request))
    if request.expires_at <= now:
        raise Conflict("This request has expired. Ask for a new one.")
    if request.decisions.filter(person=person).exists():
        raise Conflict("You have decided on this already.")
    seat = (
        ApprovalSeat.objects.filter(stage__request=request, person=person)
        .select_related("stage")
        .order_by("stage__position")
    )
    found = seat.filter(stage__state=ApprovalStage.State.OPEN).first()
    if found is None:
        raise Refused(
            "You are not asked in the stage that is open now." if seat.exists() else "You are not asked about this."
        )
    return found


def _check_decision(
    request: ApprovalRequest, seat: ApprovalSeat, verdict: str, fingerprint: str, reason: str, now: datetime
) -> None:
    # An unknown verb is refused (lessons, sending 18): a misread word must never let a message out.
    if verdict not in Verdict.values:
        raise Refused("Choose what you decide.")
    if fingerprint != request.version.fingerprint:
        raise Conflict("The text has changed since you read it. Read it again.")
    if not seat.person.has_role(seat.role):
        raise Refused("You no longer hold the role that decides here.")
    if not Incident.objects.visible_to(seat.person).filter(pk=request.message.incident_id).exists():
        raise Refused("You are no longer part of this incident.")
    if verdict != Verdict.APPROVED and not reason.strip():
        raise Refused("Give a reason, so that the writer knows what to do.")
    if verdict == Verdict.APPROVED:
        _check_yes(request, seat, now)


def _check_yes(request: ApprovalRequest, seat: ApprovalSeat, now: datetime) -> None:
    if seat.person_id in {request.requested_by_id, *request.version.authors}:
        raise Refused("Somebody else has to approve what you wrote or submitted.")
    why_not = facts.why_not(Content.from_data(request.version.content), request.message.incident, now)
    if why_not:
        raise Refused(f"It cannot be approved now. {why_not}")


def _follow(request: ApprovalRequest, stage: ApprovalStage, decision: ApprovalDecision, now: datetime) -> None:
    if decision.verdict != Verdict.APPROVED:
        return _say_no(request, decision, now)
    yes = set(stage.decisions.filter(verdict=Verdict.APPROVED).values_list("person_id", flat=True))
    if stage.quorum == ApprovalStage.Quorum.ALL and not _covers(stage, yes):
        return None
    stage.state = ApprovalStage.State.DONE
    stage.save(update_fields=["state"])
    deadlines.meet(incident=request.message.incident, kind="approval", subject=f"stage:{stage.pk}", now=now)
    following = request.stages.filter(state=ApprovalStage.State.WAITING).first()
    if following is not None:
        return _open_stage(following, now)
    message = request.message
    _end(request, ApprovalRequest.State.APPROVED, "", now)
    _move(message, Message.State.APPROVED, approval=request, returned_by=None, returned_reason="")
    notices.tell(
        [request.requested_by], kind="approval_ended", key=f"request:{request.pk}", now=now, request=request.pk
    )
    return None


def _covers(stage: ApprovalStage, people: set[int]) -> bool:
    """`all`: every role of the stage has said yes, by whoever sits there for it (a deputy counts for the role)."""
    said = set(stage.seats.filter(person_id__in=people).values_list("role", flat=True))
    # Whoever the policy names for when the time limit has passed speaks for the whole stage.
    return set(stage.roles) <= said or bool(stage.escalate_to and stage.escalate_to in said - set(stage.roles))


def _say_no(request: ApprovalRequest, decision: ApprovalDecision, now: datetime) -> None:
    message = request.message
    rejected = decision.verdict == Verdict.REJECTED
    _end(request, ApprovalRequest.State.REJECTED if rejected else ApprovalRequest.State.RETURNED, decision.reason, now)
    if rejected:
        _move(message, Message.State.REJECTED)
    else:
        _move(message, Message.State.DRAFT, returned_by=decision.person, returned_reason=decision.reason)
    notices.tell(
        [request.requested_by], kind="approval_ended", key=f"request:{request.pk}", now=now, request=request.pk
    )


@transaction.atomic
def void_approval(*, message: Message, reason: str, by: User | None, now: datetime) -> None:
    """The content or its moment changed: whatever was asked or approved no longer counts, and those asked are told."""
    message = _lock_message(message.pk)
    live = [ApprovalRequest.State.OPEN, ApprovalRequest.State.APPROVED]
    for request in message.requests.select_for_update().filter(state__in=live):
        asked = [
            seat.person
            for seat in ApprovalSeat.objects.filter(stage__request=request)
            .exclude(stage__state="waiting")
            .select_related("person")
        ]
        _end(request, ApprovalRequest.State.VOIDED, reason, now)
        _say(request, "voided", f"{message.name}: approval void. {reason}", by, now)
        notices.tell(asked, kind="approval_void", key=f"request:{request.pk}", now=now, request=request.pk)
    _move(message, Message.State.DRAFT, approval=None)


def void_all(*, incident: Incident, by: User | None, now: datetime) -> None:
    """The incident is closed: nothing of it waits for a decision or for sending any more."""
    waiting = Message.objects.filter(incident=incident, state__in=[Message.State.IN_REVIEW, Message.State.APPROVED])
    for message in waiting:
        void_approval(message=message, reason="The incident was closed.", by=by, now=now)


def void_for_fact(*, incident: Incident, fact: Fact, by: User | None, now: datetime) -> None:
    """What a fact says is another thing now: whatever was asked or approved with it has had its moment."""
    waiting = Message.objects.filter(incident=incident, state__in=[Message.State.IN_REVIEW, Message.State.APPROVED])
    for message in waiting:
        request = message.requests.filter(state__in=["open", "approved"]).select_related("version").first()
        if request is not None and facts.uses(Content.from_data(request.version.content), fact, now):
            void_approval(message=message, reason=facts.reason_of(fact, now), by=by, now=now)
            # Whoever asked did not change the text, and has to know that it does not go out as it is.
            writer = [person for person in [request.requested_by] if person != by]
            notices.tell(writer, kind="approval_ended", key=f"void:{request.pk}", now=now, request=request.pk)


def expire_requests(*, now: datetime) -> int:
    """Requests whose moment has passed become expired, their message a draft again. Returns how many."""
    count = 0
    for pk in ApprovalRequest.objects.filter(state=ApprovalRequest.State.OPEN, expires_at__lte=now).values_list(
        "pk", flat=True
    ):
        with transaction.atomic():
            request = _lock_request(pk)
            if request.state == ApprovalRequest.State.OPEN:
                _end(request, ApprovalRequest.State.EXPIRED, "Nobody decided in time.", now)
                _move(request.message, Message.State.DRAFT)
                _say(request, "expired", f"{request.message.name}: approval expired", None, now)
                notices.tell([request.requested_by], kind="approval_ended", key=f"request:{pk}", now=now, request=pk)
                count += 1
    return count


def over_words(request: ApprovalRequest) -> str:
    """Why a request no longer takes a decision, and what to do instead."""
    # Who only has a link reads this too, so of a restricted incident it names nothing.
    why = "" if request.message.incident.restricted else request.ended_reason
    words = {
        ApprovalRequest.State.APPROVED: "This has been approved.",
        ApprovalRequest.State.RETURNED: "This was returned for changes. You will be asked again when the text is new.",
        ApprovalRequest.State.REJECTED: "This was rejected.",
        ApprovalRequest.State.VOIDED: f"{why or 'The text was changed.'} So this request is void. "
        "You will be asked again about the new text.",
        ApprovalRequest.State.EXPIRED: "This request has expired. The writer has to ask again.",
        ApprovalRequest.State.OPEN: "This is still open.",
    }
    return words[ApprovalRequest.State(request.state)]


def _end(request: ApprovalRequest, to: str, reason: str, now: datetime) -> None:
    if to not in ApprovalRequest.MOVES[request.state]:
        raise Conflict(over_words(request))
    request.state, request.ended_at, request.ended_reason = to, now, reason
    request.save(update_fields=["state", "ended_at", "ended_reason"])
    ApprovalLink.objects.filter(seat__stage__request=request, revoked_at=None).update(revoked_at=now)
    for stage in request.stages.filter(state=ApprovalStage.State.OPEN):
        deadlines.waive(
            incident=request.message.incident,
            kind="approval",
            subject=f"stage:{stage.pk}",
            reason=over_words(request),
            by=None,
            now=now,
        )


def _move(message: Message, to: str, **changes: Any) -> None:
    if to not in Message.MOVES[message.state]:
        raise Refused(
            f"A message that is {message.get_state_display().lower()} cannot become {Message.State(to).label.lower()}."
        )
    for name, value in {"state": to, **changes}.items():
        setattr(message, name, value)
    message.save(update_fields=["state", *changes])


def _lock_message(message_id: int) -> Message:
    audit.hold(Message.objects.select_related("incident").get(pk=message_id).incident.chain)
    return Message.objects.select_for_update(of=("self",)).select_related("incident__lead").get(pk=message_id)


def _lock_request(request_id: int) -> ApprovalRequest:
    """The message first, then the request: everybody takes these two locks in this order."""
    found = ApprovalRequest.objects.only("message_id").get(pk=request_id)
    message = _lock_message(found.message_id)
    request = (
        ApprovalRequest.objects.select_for_update(of=("self",))
        .select_related("version", "requested_by")
        .get(pk=request_id)
    )
    request.message = message
    return request


def _say(request: ApprovalRequest, verb: str, text: str, by: User | None, now: datetime) -> None:
    audit.record(
        chain=request.message.incident.chain,
        verb=f"approval.{verb}",
        subject=request.message.subject_key,
        text=text,
        by=by,
        now=now,
        data={"version": request.version.number, "fingerprint": request.version.fingerprint, "request": request.pk},
    )
