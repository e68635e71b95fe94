"""The second way: a real chat that takes lines, and what happens when it or the mail server does not."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.urls import reverse

from crisiscomms import credentials, notices, ways
from crisiscomms.models import ChatLine, Notice, User
from delivery import actions, team_chat, team_mail
from incidents import deadlines
from incidents.models import Incident, SignalProposal, ThresholdRule
from tests import factories
from tests.conftest import NOW
from tests.delivery import ground
from tests.delivery.ground import SOON
from tests.delivery.test_sender import closed_server
from tests.peers.chat_room import ChatRoom

CHOICE = {"urgent": "chat", "normal": "mail", "quiet": "digest", "chat_name": "@ada", "is_daily": False}


@pytest.fixture
def room(settings, olga):
    with ChatRoom() as room:
        settings.CHAT_INSIDE_HOSTS = ["127.0.0.1"]
        credentials.ask_to_set(kind=ways.CHAT, secret=room.url, reason="x", by=olga, now=NOW)
        yield room


@pytest.fixture
def incident(ada):
    made = factories.make_incident(ada)
    Notice.objects.all().delete()
    return made


@pytest.fixture
def no_mail():
    with override_settings(MAIL_SERVER=closed_server()):
        team_mail.door.reset_session()
        yield
        team_mail.door.reset_session()


def tell(incident, *people, key="k"):
    notices.tell(people, kind="declared", key=key, now=NOW, incident=incident.pk)
    return Notice.objects.latest("pk")


def mail(now=SOON):
    return team_mail.send_due(now=lambda: now)


def post(now=SOON):
    return team_chat.send_due(now=lambda: now)


def test_who_chose_the_chat_is_called_there_with_a_link_of_their_own(ada, incident, room, sink, settings):
    ways.choose(person=ada, now=NOW, **CHOICE)
    notice = tell(incident, ada)

    mail(), post()

    address = settings.BASE_URL + reverse("notice", args=[notice.pk])
    assert room.lines == [f"@ada: {incident.ref} major: {incident.title} {address}"]
    assert sink.mails == []
    assert (post(), ChatLine.objects.get().state) == (0, "sent")


def test_when_the_mail_server_is_down_an_urgent_notice_is_said_in_the_chat_once(ada, incident, room, no_mail):
    tell(incident, ada)

    for moment in (SOON, SOON + timedelta(seconds=15), SOON + timedelta(minutes=2)):
        mail(moment), post(moment)

    assert len(room.lines) == 1
    assert room.lines[0].startswith(f"Ada: Our mail to you did not get through. {incident.ref} major")
    assert Notice.objects.get().state == "queued"


def test_a_mail_refused_for_good_is_said_in_the_chat_too(incident, room, sink):
    tell(incident, factories.make_user("rcpt-550", roles=["support"]))

    mail(), post()

    assert Notice.objects.get().state == "failed"
    assert len(room.lines) == 1


def test_an_escalation_reaches_the_owner_with_the_mail_server_down(ada, room, no_mail):
    incident = factories.make_incident(ada)
    due = incident.deadlines.open().earliest("due_at").due_at + timedelta(seconds=1)
    Notice.objects.all().delete()
    deadlines.tick(now=due)

    mail(due), post(due)

    assert any(line.startswith("Ada: Our mail") and " LATE: " in line for line in room.lines)


@pytest.mark.parametrize("kind", ["severity", "approval_void"])
def test_what_is_not_urgent_waits_for_the_mail(ada, incident, room, no_mail, kind):
    tell(incident, ada)
    Notice.objects.update(kind=kind)

    mail(), post()

    assert room.lines == []


def test_without_a_chat_nothing_is_queued_for_one(ada, incident, no_mail):
    tell(incident, ada)

    mail()

    assert not ChatLine.objects.exists()


def test_a_mail_that_leaves_before_the_chat_takes_the_line_makes_it_needless(ada, incident, room, sink):
    notice = tell(incident, ada)
    notices.say_as_well(notice, NOW)
    mail()

    post()

    assert (room.lines, ChatLine.objects.get().state) == ([], "skipped")


def test_a_code_or_link_is_never_said_in_the_chat(ada, ben, room, no_mail):
    incident = factories.make_incident(ada)
    factories.ask(factories.make_message(incident, ada), ada)
    notices.tell([ben], kind="password_reset", key="k", now=NOW)
    notices.tell([ben], kind="approval_code", key="k", now=NOW, code=0)
    notices.say_as_well(Notice.objects.get(kind="approval_code"), NOW)

    mail(), post()

    assert any(f"{incident.ref}: decide on" in line for line in room.lines)
    assert not any("/approve/" in line or "password" in line for line in room.lines)
    assert not ChatLine.objects.filter(notice__kind__in=["password_reset", "approval_code"]).exists()


def proposal_about(incident):
    rule = ThresholdRule.objects.order_by("pk").first()
    return SignalProposal.objects.create(
        rule=rule, rule_version=1, kind=incident.kind, severity="critical", reason=incident.title, incident=incident,
        proposed_at=NOW,
    )  # fmt: skip


def everything_told(ada, ben):
    """A restricted incident, with a notice of each kind that is about one."""
    ground.people("anna")
    dispatch = ground.release(ground.order_mail(ada, ben, restricted=True, title="Keys of customers were copied"))
    incident, message = dispatch.incident, dispatch.message
    actions.stop_dispatch(dispatch_id=dispatch.pk, reason="Keys", by=None, now=NOW)
    request = factories.ask(factories.make_message(incident, ada, kind="update", channels=["email"]), ada)
    deadline = incident.deadlines.open().first()
    context = {"incident": incident.pk, "deadline": deadline.pk, "dispatch": dispatch.pk, "seat": 0}
    context |= {"request": message.approval_id, "seat": request.stages.get().seats.get(person=ben).pk}
    role = incident.roles.open().first()
    context |= {"decision": incident.decisions.first().pk, "role": role.pk, "by": ada.pk, "ref": incident.ref}
    context |= {"proposal": proposal_about(incident).pk, "text": incident.title}
    kinds = notices.shown() - {"control_change", "control_change_decided", "sign_in_changed", "anchor_failed"}
    Notice.objects.all().delete()
    for kind in kinds:
        notices.tell([ada, ben], kind=kind, key="k", now=NOW, **context)
    return incident, kinds


def test_a_restricted_incident_is_never_named_in_the_chat(ada, ben, room):
    incident, kinds = everything_told(ada, ben)
    # No trouble is left to tell, and neither of them is an administrator.
    not_theirs = {"dispatch_trouble", "factors_taken"}
    # Nor is anything to halt, a role vacant, or the incident a watch item.
    not_theirs |= {"halt_asked", "resume_asked", "role_vacant", "watched"}
    lines = [ChatLine(notice=one, next_attempt_at=NOW) for one in Notice.objects.all()]
    ChatLine.objects.bulk_create(lines)

    post()

    said = {line.partition(" http")[0] for line in room.lines}
    assert said == {"Ada: Something needs you: sign in", "Ben: Something needs you: sign in"}
    assert set(ChatLine.objects.filter(state="sent").values_list("notice__kind", flat=True)) == kinds - not_theirs
    assert not any(f"/{incident.number}/" in line or incident.ref in line for line in room.lines)


def test_who_may_no_longer_see_it_is_not_called(ada, incident, room):
    dora = factories.make_user("dora", roles=["support"])
    notice = tell(incident, dora)
    notices.say_as_well(notice, NOW)
    User.objects.filter(pk=dora.pk).update(roles=["sales"])

    post()

    assert (room.lines, ChatLine.objects.get().state) == ([], "skipped")


def test_somebody_without_access_is_not_called(ada, room):
    notices.tell([ada], kind="sign_in_changed", key="k", now=NOW, what="added")
    notices.say_as_well(Notice.objects.get(), NOW)
    User.objects.filter(pk=ada.pk).update(is_active=False)

    post()

    assert room.lines == []


def test_words_that_people_typed_call_nobody(ada, incident, room):
    Incident.objects.filter(pk=incident.pk).update(title="@channel <!here> fails")
    notices.say_as_well(tell(incident, ada), NOW)

    post()

    assert "@channel" not in room.lines[0]
    assert "<" not in room.lines[0]


# When the chat is the one that fails


def test_an_urgent_line_that_is_not_taken_at_once_is_mailed_and_tried_again(ada, incident, room, sink):
    ways.choose(person=ada, now=NOW, **CHOICE)
    tell(incident, ada)
    room.code = 503
    post(), mail()
    assert sink.counts == {"ada@team.example": 1}
    room.code = 200

    post(SOON + timedelta(seconds=15))

    assert len(room.lines) == 1


def test_one_that_fails_for_good_is_mailed(ada, incident, room, sink):
    ways.choose(person=ada, now=NOW, **{**CHOICE, "urgent": "mail", "normal": "chat"})
    notices.tell([ada], kind="severity", key="k", now=NOW, incident=incident.pk)
    room.code = 503
    moment = SOON
    for _ in range(3):
        post(moment)
        moment = ChatLine.objects.get().next_attempt_at
    mail(moment)
    assert sink.mails == []

    post(moment), mail(moment)

    assert (ChatLine.objects.get().state, sink.counts) == ("failed", {"ada@team.example": 1})


def test_with_the_chat_taken_away_meanwhile_the_mail_goes_out(ada, olga, incident, room, sink):
    ways.choose(person=ada, now=NOW, **CHOICE)
    tell(incident, ada)
    credentials.remove(kind=ways.CHAT, by=olga, now=NOW)

    post(), mail()

    assert (room.lines, sink.counts) == ([], {"ada@team.example": 1})


def test_a_chat_that_is_down_is_asked_once_per_knock(ada, incident, room):
    for key in "abc":
        notices.say_as_well(tell(incident, ada, key=key), NOW)
    room.code = 503

    post()

    assert len(room.paths) == 1


def test_a_line_that_never_comes_to_an_end_fails_and_is_mailed(ada, incident, room, sink):
    ways.choose(person=ada, now=NOW, **CHOICE)
    tell(incident, ada)
    moment = SOON
    for _ in range(4):
        team_chat._claim(moment)
        moment += team_chat.LEASE

    post(moment), mail(moment)

    assert (ChatLine.objects.get().state, sink.counts) == ("failed", {"ada@team.example": 1})


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_say_each_line_once(ada, room):
    incident = factories.make_incident(ada)
    Notice.objects.all().delete()
    people = [factories.make_user(f"p{number}", roles=["support"]) for number in range(20)]
    tell(incident, *people)
    ChatLine.objects.bulk_create([ChatLine(notice=one, next_attempt_at=NOW) for one in Notice.objects.all()])

    ground.at_once(4, lambda _: post())

    assert len(room.lines) == len(set(room.lines)) == 20
