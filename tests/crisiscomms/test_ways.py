"""Each person chooses how they are told, by urgency; what has to reach them at once cannot be put aside."""

import pytest
from django.urls import reverse

from crisiscomms import credentials, notices, ways
from crisiscomms.models import AuditEvent, ChatLine, Notice, NoticeChoice
from crisiscomms.refusal import Refused
from tests import factories
from tests.conftest import NOW

DEFAULTS = {"urgent": "mail", "normal": "mail", "quiet": "digest", "chat_name": "", "is_daily": False}
# Kind of notice → what it may say without a row of its own; only the way it takes is looked at here.
KINDS = {"urgent": "sign_in_changed", "normal": "severity", "quiet": "approval_void"}


def choose(person, **fields):
    return ways.choose(person=person, now=NOW, **{**DEFAULTS, **fields})


def connect(olga):
    credentials.ask_to_set(kind=ways.CHAT, secret="https://chat.example/x", reason="x", by=olga, now=NOW)


def told(person, urgency):
    """The state of the mail, and whether a line waits for the chat."""
    notices.tell([person], kind=KINDS[urgency], key=f"{urgency}{Notice.objects.count()}", now=NOW, what="x")
    notice = Notice.objects.filter(person=person).latest("pk")
    return notice.state, ChatLine.objects.filter(notice=notice).exists()


def test_until_somebody_chooses_they_are_mailed_and_the_quiet_waits_for_the_digest(ada):
    assert [told(ada, urgency)[0] for urgency in KINDS] == ["queued", "queued", "digest"]


@pytest.mark.parametrize(
    ("way", "state", "line"),
    [
        ("mail", "queued", False),
        ("chat", "unmailed", True),
        ("both", "queued", True),
        ("digest", "digest", False),
        ("bell", "unmailed", False),
    ],
)
def test_what_somebody_chose_is_what_happens(ada, olga, way, state, line):
    connect(olga)
    choose(ada, normal=way, chat_name="@ada")

    assert told(ada, "normal") == (state, line)
    assert told(ada, "quiet") == ("digest", False)


@pytest.mark.parametrize("way", ["digest", "bell"])
def test_what_is_urgent_cannot_be_put_aside(ada, way):
    with pytest.raises(Refused, match="at once"):
        choose(ada, urgent=way)

    assert not NoticeChoice.objects.exists()


def test_without_a_chat_a_mail_stands_in_for_it(ada, olga):
    connect(olga)
    choose(ada, urgent="chat", chat_name="@ada")
    credentials.remove(kind=ways.CHAT, by=olga, now=NOW)

    assert told(ada, "urgent") == ("queued", False)


def test_what_carries_a_secret_goes_by_mail_whatever_was_chosen(ada, olga):
    connect(olga)
    choose(ada, urgent="chat", normal="bell", chat_name="@ada")

    notices.tell([ada], kind="password_reset", key="k", now=NOW)

    assert (Notice.objects.get().state, ChatLine.objects.exists()) == ("queued", False)


def test_a_request_for_approval_is_mailed_and_said_in_the_chat_to_who_chose_that(ada, ben, olga):
    connect(olga)
    choose(ben, urgent="chat", chat_name="@ben")

    factories.ask(factories.make_message(factories.make_incident(ada), ada), ada)

    notice = Notice.objects.get(person=ben, kind="approval_request")
    assert (notice.state, notice.chat_line.is_second_way) == ("queued", False)


def test_a_change_of_mind_does_not_tell_again(ada, olga):
    connect(olga)
    notices.tell([ada], kind="severity", key="k", now=NOW)
    choose(ada, normal="both", chat_name="@ada")

    assert notices.tell([ada], kind="severity", key="k", now=NOW) == 0
    assert not ChatLine.objects.exists()


def test_every_kind_of_notice_says_how_urgent_it_is():
    assert {notices.urgency(kind) for kind in notices.kinds()} == {"urgent", "normal", "quiet"}
    acts = {"deadline_missed", "deadline_soon", "approval_request", "declared", "dispatch_stopped", "dispatch_trouble"}
    assert {notices.urgency(kind) for kind in acts} == {"urgent"}


# The page


def typed(**fields):
    values = {"urgent": "mail", "normal": "digest", "quiet": "bell", **fields}
    return {f"told-{name}": value for name, value in values.items()}


def test_a_choice_made_on_the_page_counts_and_is_on_the_record(ada, browse):
    answer = browse(ada, reverse("account_told"), typed(is_daily="on"))

    choice = NoticeChoice.objects.get(person=ada)
    assert answer.headers["Location"] == reverse("account_me")
    assert (choice.normal, choice.quiet, choice.daily_since) == ("digest", "bell", NOW)
    assert "normal in the daily mail" in AuditEvent.objects.get(verb="person.chose_notices").detail.text


def test_chat_is_offered_only_when_one_is_connected(ada, olga, browse):
    assert "In the chat" not in browse(ada, reverse("account_me")).content.decode()
    assert browse(ada, reverse("account_told"), typed(urgent="chat")).status_code == 422
    connect(olga)

    assert "In the chat, at once" in browse(ada, reverse("account_me")).content.decode()
    assert browse(ada, reverse("account_told"), typed(urgent="chat", chat_name="ada")).status_code == 302
    assert NoticeChoice.objects.get().chat_name == "@ada"


@pytest.mark.parametrize(
    "name", ["", "@channel", "@Here", "everyone", "<!channel>", "@ada @ben", "@", "<@U1> x", "a\nb"]
)
def test_a_name_that_calls_nobody_or_everybody_is_refused_and_kept_on_the_page(ada, olga, browse, name):
    connect(olga)

    answer = browse(ada, reverse("account_told"), typed(urgent="both", normal="bell", chat_name=name))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert any(words in page for words in ("Give your name", "as your chat does", "line break", "calls you alone"))
    assert '<option value="bell" selected>' in page
    assert not NoticeChoice.objects.exists()


@pytest.mark.parametrize("way", ["digest", "bell", "pigeon", ""])
def test_the_page_takes_no_way_that_leaves_somebody_waiting(ada, browse, way):
    assert browse(ada, reverse("account_told"), typed(urgent=way)).status_code == 422


def test_a_name_typed_for_the_chat_outlives_it(ada, olga, browse):
    connect(olga)
    choose(ada, chat_name="@ada")
    credentials.remove(kind=ways.CHAT, by=olga, now=NOW)

    browse(ada, reverse("account_told"), typed())

    assert NoticeChoice.objects.get().chat_name == "@ada"


def test_a_daily_mail_asked_for_keeps_the_day_it_began(ada):
    choose(ada, is_daily=True)
    ways.choose(person=ada, now=NOW.replace(day=20), **{**DEFAULTS, "is_daily": True})

    assert NoticeChoice.objects.get().daily_since == NOW
