"""One mail a day with what may wait: at eight by each one's own clock, never two, nothing lost, nothing that is not theirs."""

from datetime import UTC, datetime, timedelta

import pytest

from crisiscomms import digest, notices, ways
from crisiscomms.models import Notice, User
from delivery import team_mail
from incidents.models import Incident, TeamMember
from tests import factories
from tests.conftest import NOW
from tests.delivery import ground
from tests.delivery.ground import read

DEFAULTS = {"urgent": "mail", "normal": "digest", "quiet": "digest", "chat_name": "", "is_daily": False}
# Ada's clock is Berlin's: eight o'clock on the 18th is 07:00 UTC. NOW is 14:09 there, on the 17th.
EIGHT = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def incident(ada):
    """Declared; Ada has what is normal and quiet in her digest."""
    made = factories.make_incident(ada)
    Notice.objects.all().delete()
    ways.choose(person=ada, now=NOW, **DEFAULTS)
    return made


def tell(incident, *people, key="k", now=NOW):
    notices.tell(people, kind="severity", key=key, now=now, incident=incident.pk, text="Because")


def mails(sink, now):
    """Make what is due, send it, and give the mails that left since the last look."""
    digest.make_due(now=now)
    team_mail.send_due(now=lambda: now)
    found = [read(mail) for mail in sink.mails]
    sink.mails.clear()
    return found


def text(mail):
    return mail.get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    ("zone", "now", "hour"),
    [
        ("Europe/Berlin", EIGHT, EIGHT),
        ("Europe/Berlin", EIGHT - timedelta(seconds=1), EIGHT - DAY),
        ("Asia/Kathmandu", datetime(2026, 11, 18, 2, 15, tzinfo=UTC), datetime(2026, 11, 18, 2, 15, tzinfo=UTC)),
        ("America/Los_Angeles", EIGHT, datetime(2026, 11, 17, 16, tzinfo=UTC)),
        # The night in which Berlin's clocks go back: 25 hours between two eight o'clocks.
        ("Europe/Berlin", datetime(2026, 10, 25, 6, 59, tzinfo=UTC), datetime(2026, 10, 24, 6, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 25, 7, 0, tzinfo=UTC), datetime(2026, 10, 25, 7, tzinfo=UTC)),
    ],
)
def test_eight_is_by_the_persons_own_clock(zone, now, hour):
    assert digest.begins(zone, now) == hour


def test_it_comes_once_at_eight_with_what_was_put_aside_by_incident(ada, incident, sink):
    other = factories.make_incident(ada, title="Exports are <late>")
    Notice.objects.filter(kind="declared").delete()
    tell(incident, ada, key="1"), tell(other, ada), tell(incident, ada, key="2")

    assert mails(sink, EIGHT - timedelta(minutes=1)) == []
    (mail,) = mails(sink, EIGHT)

    assert mail["Subject"] == "18 November: 3 notices"
    headings = [line for line in text(mail).splitlines() if line.startswith("INC-")]
    assert headings == [str(incident), str(other)]
    assert text(mail).count(f"- {incident.ref} is now major") == 2
    html = mail.get_body(("html",)).get_content()
    assert "Exports are &lt;late&gt;" in html
    assert mails(sink, EIGHT + timedelta(hours=5)) == []


def test_what_comes_after_eight_is_for_the_next_day(ada, incident, sink):
    tell(incident, ada, now=EIGHT + timedelta(hours=1))

    assert mails(sink, EIGHT + timedelta(hours=2)) == []
    assert len(mails(sink, EIGHT + DAY)) == 1


def test_after_days_without_a_knock_there_is_one_mail_and_nothing_is_missing(ada, incident, sink):
    tell(incident, ada, key="1")
    tell(incident, ada, key="2", now=NOW + DAY)

    (mail,) = mails(sink, EIGHT + 3 * DAY + timedelta(hours=4))

    assert mail["Subject"] == "21 November: 2 notices"
    assert mails(sink, EIGHT + 4 * DAY) == []


def test_with_the_mail_server_slow_to_take_it_the_same_digest_is_tried_again(ada, incident, sink):
    User.objects.filter(pk=ada.pk).update(email="greylist@team.example")
    tell(incident, ada)
    assert mails(sink, EIGHT) == []
    tell(incident, ada, key="later", now=EIGHT + timedelta(seconds=5))

    (mail,) = mails(sink, EIGHT + timedelta(seconds=15))

    assert mail["Subject"] == "18 November: 1 notice"


def test_nothing_to_say_is_said_only_to_who_asked_for_it_every_day(ada, ben, incident, sink):
    ways.choose(person=ben, now=NOW, **{**DEFAULTS, "is_daily": True})

    (mail,) = mails(sink, EIGHT)

    assert mail["To"].addresses[0].addr_spec == "ben@team.example"
    assert mail["Subject"] == "18 November: nothing to report"
    assert len(mails(sink, EIGHT + DAY)) == 1


def test_who_asks_for_it_every_day_gets_the_first_one_the_next_morning(ada, incident, sink):
    ways.choose(person=ada, now=EIGHT + timedelta(hours=1), **{**DEFAULTS, "is_daily": True})

    assert mails(sink, EIGHT + timedelta(hours=2)) == []
    assert len(mails(sink, EIGHT + DAY)) == 1


@pytest.mark.parametrize("is_daily", [True, False])
def test_what_is_settled_by_then_is_left_out(ada, incident, sink, is_daily):
    ways.choose(person=ada, now=NOW, **{**DEFAULTS, "is_daily": is_daily})
    tell(incident, ada)
    Notice.objects.update(kind="dispatch_stopped", context={"dispatch": 0})
    incident.deadlines.all().delete()

    found = [mail["Subject"] for mail in mails(sink, EIGHT)]

    assert found == (["18 November: nothing to report"] if is_daily else [])
    assert not Notice.objects.filter(state="queued").exists()


def test_a_restricted_incident_is_not_told_in_words(ada, incident, sink):
    tell(incident, ada)
    Incident.objects.filter(pk=incident.pk).update(restricted=True, title="Keys were copied")
    from incidents.actions.lifecycle import let_see

    let_see(incident=incident, person=ada)

    (mail,) = mails(sink, EIGHT)

    assert incident.ref in text(mail)
    assert b"Keys were copied" not in mail.as_bytes()


def test_who_may_no_longer_see_it_reads_nothing_of_it(ada, incident, sink):
    dora = factories.make_user("dora", roles=["support"])
    ways.choose(person=dora, now=NOW, **DEFAULTS)
    tell(incident, dora)
    Incident.objects.filter(pk=incident.pk).update(restricted=True)
    TeamMember.objects.filter(incident=incident, person=dora).delete()

    assert mails(sink, EIGHT) == []


def test_an_exercise_says_that_it_is_one(ada, incident, sink):
    tell(incident, ada)
    Incident.objects.filter(pk=incident.pk).update(is_exercise=True)

    (mail,) = mails(sink, EIGHT)

    assert f"EXERCISE, {incident}" in text(mail)


def test_somebody_without_access_gets_none_and_all_of_it_when_they_are_back(ada, incident, sink):
    tell(incident, ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert mails(sink, EIGHT) == []
    User.objects.filter(pk=ada.pk).update(is_active=True)

    assert len(mails(sink, EIGHT + DAY)) == 1


def test_the_digest_itself_does_not_stand_under_the_bell(ada, incident, sink, browse):
    tell(incident, ada)
    mails(sink, EIGHT)

    page = browse(ada, "/notices/").content.decode()
    assert "is now major" in page
    assert "1 notice" not in page.split("<main")[1]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_many_who_knock_at_once_make_one(ada, sink):
    incident = factories.make_incident(ada)
    Notice.objects.all().delete()
    ways.choose(person=ada, now=NOW, **DEFAULTS)
    for number in range(5):
        tell(incident, ada, key=str(number))

    made = ground.at_once(6, lambda _: digest.make_due(now=EIGHT))

    assert sum(made) == 1
    assert Notice.objects.get(kind="digest").gathered.count() == 5


def test_the_clocks_of_the_next_day_stand_in_it_and_none_is_said_in_words(ada, incident, sink):
    ways.choose(person=ada, now=NOW - timedelta(days=1), **{**DEFAULTS, "is_daily": True})
    late = "17 November 15:39 CET, late: INC-1 Acknowledge to customers"

    (mail,) = mails(sink, EIGHT)
    assert mail["Subject"] == "18 November: 2 due"
    assert late in mail.get_body(("plain",)).get_content()

    incident.deadlines.all().delete()
    (mail,) = mails(sink, EIGHT + timedelta(days=1))
    assert mail["Subject"] == "19 November: nothing to report"
    assert "Nothing is due within the next 24 hours." in mail.get_body(("plain",)).get_content()
