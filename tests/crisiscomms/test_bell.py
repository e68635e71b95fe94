"""Notices inside the product: one's own, worded now, read by following them, and never a secret of the mail."""

import pytest
from django.urls import reverse

from crisiscomms import bell, notices
from crisiscomms.models import Notice
from incidents.models import Incident, TeamMember
from messaging.models import ApprovalCode, ApprovalLink
from tests import factories
from tests.conftest import NOW


@pytest.fixture
def incident(ada):
    made = factories.make_incident(ada)
    Notice.objects.all().delete()
    return made


def tell(incident, *people, key="k"):
    notices.tell(people, kind="declared", key=key, now=NOW, incident=incident.pk)
    return Notice.objects.latest("pk")


def subjects(person):
    return [line.mail.subject for line in bell.page(person, now=NOW).lines]


def test_the_bell_counts_what_one_has_not_read(ada, incident, browse):
    tell(incident, ada)

    assert "Notices: 1 not read" in browse(ada, reverse("notices")).content.decode()


def test_the_poll_answers_only_when_the_count_is_another(ada, incident, browse):
    tell(incident, ada)

    same = browse(ada, reverse("notices_bell"), HTTP_IF_NONE_MATCH="1")
    other = browse(ada, reverse("notices_bell") + "?place=phone", htmx=True)

    assert (same.status_code, same.content) == (304, b"")
    assert 'id="bell-phone"' in other.content.decode()


def test_following_a_notice_reads_it_and_leads_to_what_it_is_about(ada, incident, browse):
    notice = tell(incident, ada)

    answer = browse(ada, reverse("notice", args=[notice.pk]))

    assert answer["Location"] == reverse("desk:room", args=[incident.number])
    assert bell.unread(ada) == 0


def test_nobody_opens_or_reads_the_notice_of_another(ada, cleo, incident, browse):
    notice = tell(incident, ada)

    assert browse(cleo, reverse("notice", args=[notice.pk])).status_code == 404
    browse(cleo, reverse("notices_read"), {"up_to": notice.pk})
    assert (subjects(cleo), bell.unread(ada)) == ([], 1)


def test_a_notice_says_what_is_true_now(ada, incident):
    tell(incident, ada)
    Incident.objects.filter(pk=incident.pk).update(title="Only refunds fail")

    assert "Only refunds fail" in subjects(ada)[0]


def test_what_one_may_no_longer_see_is_left_out_and_counts_as_read(ada, incident, browse):
    dora = factories.make_user("dora", roles=["support"])
    notice = tell(incident, dora)
    Incident.objects.filter(pk=incident.pk).update(restricted=True)
    TeamMember.objects.filter(incident=incident, person=dora).delete()

    assert browse(dora, reverse("notice", args=[notice.pk]))["Location"] == reverse("notices")
    assert (subjects(dora), bell.unread(dora)) == ([], 0)


def test_looking_at_a_request_for_approval_makes_no_link(ada, ben):
    request = factories.ask(factories.make_message(factories.make_incident(ada), ada), ada)

    lines = bell.page(ben, now=NOW).lines

    line = next(line for line in lines if line.notice.kind == "approval_request")
    assert line.mail.link.endswith(reverse("messaging:approve", args=[request.pk]))
    assert not ApprovalLink.objects.exists()
    assert not ApprovalCode.objects.exists()


def test_secrets_that_prove_a_mailbox_the_digest_and_words_to_an_old_address_stand_in_the_mail_only():
    hidden = notices.kinds() - notices.shown()

    assert hidden == {"password_reset", "invitation", "approval_code", "test_mail", "digest", "address_changed"}


def test_marking_all_read_leaves_what_came_since(ada, incident, browse):
    seen = tell(incident, ada, key="first")
    tell(incident, ada, key="second")

    browse(ada, reverse("notices_read"), {"up_to": seen.pk})

    assert bell.unread(ada) == 1


def test_pages_go_on_where_the_last_one_ended(ada, incident, monkeypatch):
    monkeypatch.setattr(bell, "PAGE", 2)
    for key in "abc":
        tell(incident, ada, key=key)

    first = bell.page(ada, now=NOW)
    second = bell.page(ada, now=NOW, before=first.older)

    assert ([line.notice.key for page in (first, second) for line in page.lines], second.older) == (["c", "b", "a"], 0)


def test_one_notice_that_cannot_be_worded_does_not_take_the_others(ada, incident):
    tell(incident, ada, key="whole")
    tell(incident, ada, key="broken")
    Notice.objects.filter(key="broken").update(context={})

    assert len(subjects(ada)) == 1


@pytest.mark.parametrize("typed", ["x", "-1", "9" * 40, "²", "1.5"])
def test_no_address_breaks_the_page(ada, browse, typed):
    assert browse(ada, reverse("notices") + f"?before={typed}").status_code == 200
