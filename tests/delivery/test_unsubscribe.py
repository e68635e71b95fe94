"""The way out of incident notices: opening changes nothing, one press does, a forged link nothing."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client

from stakeholders.actions import unsubscribe_contact
from stakeholders.models import Contact
from tests import factories
from tests.conftest import NOW
from tests.delivery import ground
from tests.delivery.ground import order_mail, read, round_of_work, states


@pytest.fixture
def path(ada, ben, sink):
    """The address that stands in the header of a mail that was really sent."""
    ground.people("anna")
    order_mail(ada, ben)
    round_of_work()
    return urlsplit(read(sink.mails[0])["List-Unsubscribe"].strip("<>")).path


def is_unsubscribed():
    return Contact.objects.get().unsubscribed_at is not None


def test_opening_the_link_changes_nothing(browse, path):
    page = browse(None, path)
    Client().head(path)

    assert (page.status_code, is_unsubscribed()) == (200, False)
    assert b"Nothing has changed so far" in page.content


@pytest.mark.parametrize(
    ("body", "kind"),
    [("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"), ("", "application/x-www-form-urlencoded")],
)
def test_one_post_from_a_mail_program_without_cookie_or_token_unsubscribes(path, body, kind):
    answer = Client(enforce_csrf_checks=True).post(path, body, content_type=kind)

    assert (answer.status_code, is_unsubscribed()) == (200, True)


def test_the_form_of_the_page_does_the_same_and_says_so(browse, path):
    page = browse(None, path, {})

    assert is_unsubscribed()
    assert b"You are unsubscribed" in page.content


def test_a_second_press_keeps_the_first_time(path):
    Client().post(path)
    Contact.objects.update(unsubscribed_at=NOW - timedelta(days=3))
    Client().post(path)

    assert Contact.objects.get().unsubscribed_at == NOW - timedelta(days=3)


def test_the_next_message_leaves_them_out(path, ada, ben, sink):
    Client().post(path)
    factories.make_contact("ben@many.example")

    dispatch = order_mail(ada, ben)
    round_of_work()

    assert states(dispatch) == {"anna": "skipped", "ben": "sent"}
    assert sink.counts["anna@many.example"] == 1


def test_who_unsubscribes_after_the_list_froze_is_left_out_of_what_has_not_left(ada, ben, sink):
    ground.people("anna", "ben")
    dispatch = order_mail(ada, ben, hold_seconds=120)
    anna = Contact.objects.get(first_name="anna")

    unsubscribe_contact(contact_id=anna.pk, now=NOW, how="by the link in a mail")
    round_of_work(NOW + timedelta(seconds=121))

    assert states(dispatch) == {"anna": "skipped", "ben": "sent"}
    assert sink.counts == {"ben@many.example": 1}


@pytest.mark.parametrize("change", ["other person", "cut off", "empty", "words", "huge number", "not ascii"])
def test_a_forged_or_broken_link_is_404_and_changes_nothing(browse, path, change):
    token = path.strip("/").rpartition("/")[2]
    number, separator, mark = token.partition(token[len(str(Contact.objects.get().pk))])
    wrong = {
        "other person": f"{int(number) + 1}{separator}{mark}",
        "cut off": token[:-2],
        "empty": f"{number}{separator}",
        "words": "not-a-token",
        "huge number": f"{'9' * 40}{separator}{mark}",
        "not ascii": f"{number}{separator}%C3%A9",
    }[change]

    for data in (None, {}):
        assert browse(None, f"/u/{wrong}/", data).status_code == 404
    assert not is_unsubscribed()
