"""What people do about a clock, its page, the board, and a person's calendar."""

from datetime import timedelta

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from crisiscomms import ways_in
from crisiscomms.models import AuditEvent, ChatLine, Credential, Notice, NoticeChoice
from crisiscomms.refusal import Conflict, NotAllowed, Refused
from incidents import actions, deadlines
from incidents.clock import calendars
from incidents.deadlines import kinds
from tests import factories
from tests.conftest import NOW


def at(minutes):
    return NOW + timedelta(minutes=minutes)


@pytest.fixture
def crew(ada, ben):
    ada.deputy = factories.make_user("dan", roles=["support"])
    ada.save()
    factories.make_user("pia", roles=["product_marketing"])
    return ada


@pytest.fixture
def incident(crew):
    incident = factories.make_incident(crew)
    factories.make_message(incident, crew)
    Notice.objects.all().delete()
    return incident


def clock(incident, kind="acknowledge"):
    return incident.deadlines.open().get(kind=kind)


def told_at(minutes):
    before = set(Notice.objects.values_list("pk", flat=True))
    deadlines.tick(now=at(minutes))
    new = Notice.objects.exclude(pk__in=before).select_related("person")
    return sorted((one.person.name, one.kind) for one in new)


def snooze(incident, by, kind="acknowledge", now=NOW, **fields):
    values = {"reason": "We wait for the bank", **fields}
    return actions.snooze_deadline(deadline_id=clock(incident, kind).pk, by=by, now=now, **values)


def test_put_off_it_is_warned_and_missed_at_the_new_time_and_the_reason_stays(incident, ada):
    snooze(incident, ada, due_at=at(115))

    assert [told_at(minutes) for minutes in (75, 90)] == [[], []]
    assert told_at(100) == [("Ada", "deadline_soon")]
    assert told_at(115) == [("Ada", "deadline_missed")]
    text = AuditEvent.objects.get(verb="deadline.snoozed").detail.text
    assert text.startswith("Acknowledge to customers: put off to 17 Nov 15:04 UTC") and text.endswith("for the bank")


def test_reminded_later_it_keeps_its_time(incident, ada):
    snooze(incident, ada, remind_at=at(30))

    assert told_at(30) == [("Ada", "deadline_soon")]
    assert told_at(75) == [("Ada", "deadline_soon")] and told_at(90) == [("Ada", "deadline_missed")]


def test_late_and_quiet_until_later_the_chain_goes_on_from_there(incident, ada):
    told_at(90)
    snooze(incident, ada, now=at(95), remind_at=at(118))

    assert [told_at(minutes) for minutes in (100, 117)] == [[], []]
    assert told_at(118) == [("Ada", "deadline_missed")]
    assert told_at(122) == []
    assert told_at(123) == [("Dan", "deadline_missed"), ("Pia", "deadline_missed")]


REFUSED = [
    ("acknowledge", {"due_at": at(121)}, "its hard limit"),
    ("update", {"due_at": at(73 * 60)}, "what the policy allows"),
    ("update", {"due_at": at(-1)}, "has passed"),
    ("update", {"remind_at": at(331)}, "Give it a new time"),
    ("update", {}, "either a new time"),
    ("update", {"due_at": at(10), "remind_at": at(5)}, "either a new time"),
    ("update", {"due_at": at(10), "reason": " "}, "Say why"),
]


@pytest.mark.parametrize(("kind", "fields", "words"), REFUSED)
def test_what_may_not_be_put_off_is_refused_in_words(incident, ada, kind, fields, words):
    before = clock(incident, kind).due_at

    with pytest.raises(Refused, match=words):
        snooze(incident, ada, kind, **fields)

    assert clock(incident, kind).due_at == before


def test_the_hard_limit_itself_is_still_allowed(incident, ada):
    assert snooze(incident, ada, due_at=at(120)).due_at == at(120)


def test_a_regulators_clock_is_never_put_off_and_is_done_with_a_note(ada):
    incident = factories.make_incident(ada, kind="security_incident")
    duty = incident.deadlines.get(subject="eu_personal_data")

    with pytest.raises(Refused, match="the time is not ours"):
        actions.snooze_deadline(deadline_id=duty.pk, reason="x", due_at=at(100), by=ada, now=NOW)
    with pytest.raises(Refused, match="Say what was done"):
        actions.meet_deadline(deadline_id=duty.pk, note="", by=ada, now=NOW)
    actions.meet_deadline(deadline_id=duty.pk, note="Reported, reference 4711", by=ada, now=at(5))

    duty.refresh_from_db()
    assert (duty.state, duty.met_at) == ("met", at(5))
    assert AuditEvent.objects.get(verb="deadline.done").detail.text.endswith("Reported, reference 4711")


def test_nobody_says_by_hand_that_customers_were_told(incident, ada):
    with pytest.raises(Refused, match="met by itself"):
        actions.meet_deadline(deadline_id=clock(incident).pk, note="I did", by=ada, now=NOW)


def test_handed_over_it_is_the_others_who_hears_and_is_warned(incident, ada):
    lea = factories.make_user("lea", roles=["legal"])

    actions.hand_over_deadline(deadline_id=clock(incident).pk, owner=lea, by=ada, now=NOW)

    assert list(Notice.objects.values_list("person__name", "kind")) == [("Lea", "deadline_yours")]
    assert told_at(75) == [("Lea", "deadline_soon")]


@pytest.mark.parametrize("role", ["sales", "executive"])
def test_it_is_not_handed_to_who_cannot_do_it(incident, ada, role):
    with pytest.raises(Refused, match="cannot work"):
        actions.hand_over_deadline(
            deadline_id=clock(incident).pk, owner=factories.make_user("x", roles=[role]), by=ada, now=NOW
        )


@pytest.mark.parametrize("restricted", [False, True])
def test_the_page_offers_only_who_could_have_it(restricted, browse, ada, cleo):
    incident = factories.make_incident(ada, restricted=restricted)
    factories.make_user("lea", roles=["legal"])

    page = browse(ada, f"/incidents/{incident.ref}/deadlines/{clock(incident).pk}/").content.decode()

    assert ">Cleo</option>" not in page
    assert (">Lea</option>" in page) is not restricted


def test_i_have_it_pauses_the_chain_for_the_policys_minutes_and_stands_on_the_record(incident, ada):
    told_at(90)
    actions.take_deadline(deadline_id=clock(incident).pk, by=ada, now=at(92))

    assert [told_at(minutes) for minutes in (100, 110, 121)] == [[], [], []]
    assert told_at(122) == [("Ada", "deadline_missed")]
    assert told_at(130) == [("Dan", "deadline_missed"), ("Pia", "deadline_missed")]
    assert told_at(150) == [("Ben", "deadline_missed")]
    assert "Ada has it" in AuditEvent.objects.get(verb="deadline.taken").detail.text


def test_it_is_taken_by_one_at_a_time_only_when_late_and_not_for_ever(incident, ada, ben):
    pk = clock(incident).pk
    with pytest.raises(Refused, match="not late"):
        actions.take_deadline(deadline_id=pk, by=ada, now=at(10))
    told_at(90)
    actions.take_deadline(deadline_id=pk, by=ada, now=at(91))
    with pytest.raises(Conflict, match="Ada has it until"):
        actions.take_deadline(deadline_id=pk, by=factories.make_user("q", roles=["product"]), now=at(92))
    told_at(121)
    actions.take_deadline(deadline_id=pk, by=ada, now=at(122))
    told_at(152)
    with pytest.raises(Refused, match="goes on"):
        actions.take_deadline(deadline_id=pk, by=ada, now=at(153))


def test_later_steps_are_said_in_the_chat_too_whatever_was_chosen(incident, ada, olga):
    Credential.objects.create(kind="chat_webhook", sealed=b"x", ending="abcd", set_by=olga, set_at=NOW)
    NoticeChoice.objects.create(person=ada.deputy, urgent="mail")

    told_at(90)
    assert not ChatLine.objects.exists()
    told_at(100)

    said = ChatLine.objects.values_list("notice__person__name", "notice__state")
    assert sorted(said) == [("Dan", "queued"), ("Pia", "queued")]


def test_without_a_chat_later_steps_are_mailed(incident):
    told_at(120)

    assert not ChatLine.objects.exists()
    assert set(Notice.objects.values_list("state", flat=True)) == {"queued"}


@pytest.mark.parametrize("act", ["snooze", "waive", "meet", "hand_over"])
def test_who_may_not_work_changes_no_clock(incident, ben, act):
    actions.let_see(incident=incident, person=ben)
    pk, common = clock(incident).pk, {"by": ben, "now": NOW}
    acts = {
        "snooze": lambda: actions.snooze_deadline(deadline_id=pk, reason="x", due_at=at(100), **common),
        "waive": lambda: actions.waive_deadline(deadline_id=pk, reason="x", **common),
        "meet": lambda: actions.meet_deadline(deadline_id=pk, note="x", **common),
        "hand_over": lambda: actions.hand_over_deadline(deadline_id=pk, owner=ben, **common),
    }

    with pytest.raises(NotAllowed):
        acts[act]()


def test_what_has_ended_is_a_conflict(incident, ada):
    pk = clock(incident).pk
    deadlines.meet(incident=incident, kind="acknowledge", now=NOW)

    with pytest.raises(Conflict, match="met already"):
        actions.snooze_deadline(deadline_id=pk, reason="x", due_at=at(100), by=ada, now=NOW)


def test_the_page_of_a_clock_puts_it_off_and_says_what_happened(browse, incident, ada):
    url = f"/incidents/{incident.ref}/deadlines/{clock(incident).pk}/"
    assert b"Put it off" in browse(ada, url).content

    # 15:50 in Berlin.
    answer = browse(ada, f"{url}snooze/", {"due_at": "2026-11-17T15:50", "reason": "The bank answers at three"})

    assert answer.status_code == 302 and clock(incident).due_at == at(101)
    assert "The bank answers at three" in browse(ada, url).content.decode()


def test_the_board_shows_all_that_one_may_see_and_mine_on_demand(browse, incident, ada):
    carl = factories.make_user("carl", roles=["product_marketing"])
    hidden = factories.make_incident(ada, restricted=True)

    page = browse(carl, "/clocks/").content.decode()
    assert incident.ref in page and hidden.ref not in page
    assert incident.ref not in browse(carl, "/clocks/?whose=mine").content.decode().split("<main")[1]
    assert "Acknowledge to customers" in browse(ada, "/clocks/?kind=acknowledge").content.decode()
    assert browse(ada, "/clocks/live/?state=late", htmx=True).status_code == 200


def test_the_room_lists_the_clocks_and_offers_to_take_a_late_one(browse, incident, ada):
    Notice.objects.all().delete()
    page = browse(ada, f"/incidents/{incident.ref}/").content.decode()
    assert f"/deadlines/{clock(incident).pk}/" in page and "I have it" not in page
    incident.deadlines.update(due_at=at(-10), warn_at=None)

    assert "I have it" in browse(ada, f"/incidents/{incident.ref}/").content.decode()


def lines_of(text):
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    return text.replace("\r\n ", "").split("\r\n")


def test_the_calendar_has_my_clocks_in_utc_and_a_restricted_incident_by_number(client, incident, ada):
    secret = factories.make_incident(ada, restricted=True, title="Xanthoria")
    token = calendars.make_feed(person=ada, now=NOW)

    answer = Client().get(f"/clocks/feed/{token}.ics")

    assert answer.headers["Content-Type"].startswith("text/calendar")
    lines = lines_of(answer.content.decode())
    assert "DTSTART:20261117T143900Z" in lines
    assert f"SUMMARY:{incident.ref}: Acknowledge to customers" in lines
    assert any(line.startswith(f"SUMMARY:{secret.ref}: ") for line in lines) and "Xanthoria" not in "".join(lines)
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 4


def test_the_address_is_kept_as_a_hash_and_dies_when_ended_made_anew_or_its_person_leaves(ada, olga):
    first = calendars.make_feed(person=ada, now=NOW)
    assert first not in str(list(ada.calendar_feeds.values()))
    second = calendars.make_feed(person=ada, now=NOW)
    assert [calendars.person_of(token) for token in (first, second, "nothing")] == [None, ada, None]

    ways_in.end_all(person=ada, by=olga, now=NOW)
    assert calendars.person_of(second) is None
    third = calendars.make_feed(person=ada, now=NOW)
    ada.is_active = False
    ada.save()
    assert calendars.person_of(third) is None


def test_a_seller_has_no_calendar(cleo):
    with pytest.raises(NotAllowed):
        calendars.make_feed(person=cleo, now=NOW)


@given(text=st.text(max_size=300))
def test_folding_and_escaping_lose_nothing_and_keep_to_the_width(text):
    parts = list(calendars.folded(f"SUMMARY:{calendars.escaped(text)}"))

    assert all(len(part.encode("utf-8", "surrogatepass")) <= 75 for part in parts)
    assert all(part.startswith(" ") for part in parts[1:])
    whole = parts[0] + "".join(part[1:] for part in parts[1:])
    assert whole == f"SUMMARY:{calendars.escaped(text)}" and "\n" not in whole and "\r" not in whole


def test_escaping_as_the_standard_has_it():
    assert calendars.escaped("a;b,c\\d\r\ne\x07") == "a\\;b\\,c\\\\d\\ne"


OWN = sorted(key for key in deadlines.registered() if kinds.of(key).elsewhere)


def test_these_kinds_have_a_place_of_their_own():
    assert OWN == ["approval", "halt", "mention", "playbook_task", "recovery_task", "response", "resume"]


@pytest.mark.parametrize("kind", OWN)
def test_what_has_a_place_of_its_own_is_waived_and_handed_over_only_there(incident, ada, olga, kind):
    planned = incident.deadlines.filter(kind="acknowledge").get()
    type(planned).objects.filter(pk=planned.pk).update(kind=kind, subject="made-up:1")
    words = kinds.of(kind).elsewhere

    with pytest.raises(Refused) as waived:
        actions.waive_deadline(deadline_id=planned.pk, reason="Not now", by=ada, now=NOW)
    with pytest.raises(Refused) as handed:
        actions.hand_over_deadline(deadline_id=planned.pk, owner=olga, by=ada, now=NOW)

    assert str(waived.value) == str(handed.value) == words


def test_the_warning_ends_the_quiet(incident, ada):
    due = clock(incident).due_at
    snooze(incident, ada, remind_at=due - timedelta(minutes=1))

    deadlines.tick(now=due - timedelta(minutes=1))

    warned = clock(incident)
    assert warned.warned_at is not None and warned.snoozed_until is None


def test_a_clock_not_put_off_keeps_what_was_typed(incident, ada, browse):
    one = clock(incident, "update")

    answer = browse(ada, f"/incidents/{incident.ref}/deadlines/{one.pk}/snooze/", {"reason": "The bank answers at 3"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Choose either a new time" in page
    assert 'value="The bank answers at 3"' in page
    assert '<details class="cc-qa" open>' in page
