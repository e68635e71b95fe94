"""What forms say is in the house's own words, also in forms of libraries, and what they offer are words people know."""

import zoneinfo

import pytest
from allauth.account.forms import ResetPasswordForm
from django import forms

from crisiscomms.forms import OrganisationForm, PersonForm, zones
from crisiscomms.organisation import get_organisation
from tests.conftest import NOW


class Asked(forms.Form):
    name = forms.CharField(max_length=3)
    email = forms.EmailField(required=False)
    pick = forms.ChoiceField(choices=[("a", "A")], required=False)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "Please fill this in."),
        ({"name": "long"}, "This is 3 characters at most; it has 4."),
        ({"name": "a", "email": "no address"}, "This is no e-mail address, such as ana@example.com."),
        ({"name": "a", "pick": "b"}, "Choose one of those offered."),
    ],
)
def test_what_is_wrong_is_said_in_our_words(typed, sentence):
    assert [[sentence]] == list(Asked(typed).errors.values())


def test_forms_of_libraries_say_the_same():
    assert ResetPasswordForm({"email": "x"}).errors["email"] == ["This is no e-mail address, such as ana@example.com."]


def test_time_zones_are_cities_and_utc():
    names = [name for name, _ in zones()]

    assert names[0] == "UTC" and "Europe/Berlin" in names
    assert not {"Factory", "localtime", "W-SU", "EST5EDT", "GMT-0", "Etc/GMT-3"} & {*names}
    assert {*names} <= zoneinfo.available_timezones()


def test_a_zone_chosen_before_is_still_offered(db):
    organisation = get_organisation()
    organisation.time_zone = "EST5EDT"

    assert ("EST5EDT", "EST5EDT") in OrganisationForm(instance=organisation).fields["time_zone"].choices


def test_an_address_that_is_taken_is_said_once_and_nobody_is_a_choice(ada, policies):
    typed = {"name": "Ada again", "email": "ADA@team.example", "time_zone": "UTC"}

    form = PersonForm(typed, now=NOW)

    assert form.errors == {"email": ["Somebody with this e-mail address is here already."]}
    assert 'value="" selected>Nobody<' in str(form["deputy"])
