"""The set-up checklist leads on, and says what is under way."""

import pytest
from django.urls import reverse

from crisiscomms import checklist, people
from crisiscomms.models import User
from tests.conftest import NOW


@pytest.fixture
def steps(monkeypatch):
    """Two steps of the organisation's page, then people, then one that is pressed."""
    done = set()
    pages = {"a": "setup_organisation", "b": "setup_organisation", "c": "setup_people", "d": "setup_organisation"}
    for_list = {
        key: checklist.Step(
            place, key, f"Step {key}", "Why.", url, lambda key=key: key in done, press="d" * (key == "d")
        )
        for place, (key, url) in enumerate(pages.items())
    }
    monkeypatch.setattr(checklist, "_steps", for_list)
    return done


@pytest.mark.parametrize(
    ("done", "page", "link"),
    [
        ("", "setup_people", "/setup/organisation/"),
        ("", "setup_organisation", ""),
        ("a", "setup_organisation", ""),
        ("ab", "setup_organisation", "/setup/people/"),
        ("ab", "setup_people", ""),
        ("abc", "setup_people", "/setup/#step-d"),
        ("abc", "setup_organisation", "/setup/#step-d"),
        ("abcd", "setup_people", ""),
        ("", "setup_sign_in", ""),
        ("", "setup", ""),
    ],
)
def test_a_page_of_the_checklist_leads_on_when_its_own_steps_are_done(done, page, link, steps, olga, browse):
    steps.update(done)

    html = browse(olga, reverse(page)).content.decode()

    assert ('id="next-step"' in html) == bool(link)
    assert not link or f'Next: <a href="{link}">Step' in html


def test_who_is_invited_and_not_in_yet_stands_on_the_step(olga, browse):
    people.add_person(email="nora@team.example", name="Nora", roles=["product_marketing"], by=olga, now=NOW)
    said = "Invited, not in yet: Nora."
    assert said in browse(olga, reverse("setup")).content.decode()

    nora = User.objects.get(email="nora@team.example")
    nora.set_password("a long and varied one")
    nora.save()

    assert said not in browse(olga, reverse("setup")).content.decode()


def test_the_watchdog_step_says_who_sets_it_and_how(olga, browse):
    page = browse(olga, reverse("setup")).content.decode()

    assert "Whoever operates the server sets its address as the environment variable HEARTBEAT_URL" in page
