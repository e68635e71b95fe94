"""What the product ships is loaded once, never over a company's own, and templates grow versions."""

import copy
from datetime import timedelta

import pytest
from django.core.management import call_command

from crisiscomms import policy
from crisiscomms.models import Policy
from desk import defaults
from messaging.models import Template, TemplateVersion
from tests.conftest import NOW

LATER = NOW + timedelta(days=1)


@pytest.fixture
def shipped(monkeypatch):
    """The shipped data, to be changed as a later release would."""
    real = {("messaging", "templates.yaml"): defaults._read("messaging", "templates.yaml")}
    read = defaults._read
    monkeypatch.setattr(defaults, "_read", lambda house, name: real.get((house, name)) or read(house, name))
    return real[("messaging", "templates.yaml")]


def test_a_first_load_brings_every_house_and_enough_to_speak(db):
    new = defaults.load(now=NOW)

    assert new["policies"] == 13
    assert set(Policy.objects.values_list("key", "version")) == {
        ("incidents", 1),
        ("decisions", 1),
        ("clocks", 1),
        ("facts", 1),
        ("documents", 1),
        ("ownership", 1),
        ("outward", 1),
        ("stakeholders", 1),
        ("messaging", 1),
        ("delivery", 1),
        ("recovery", 1),
        ("sign_in", 1),
        ("retention", 1),
    }
    pairs = set(Template.objects.values_list("incident_kind", "message_kind"))
    kinds = ("service_disruption", "security_incident")
    assert pairs >= {(kind, message) for kind in kinds for message in ("holding", "update", "resolved")}
    assert new["templates"] == TemplateVersion.objects.count() == Template.objects.count()
    assert new["playbooks"] == 15


def test_loading_again_changes_nothing(policies):
    defaults.load(now=NOW)
    before = list(TemplateVersion.objects.values_list("pk", flat=True)), Policy.objects.count()

    assert defaults.load(now=LATER) == {"policies": 0, "templates": 0, "thresholds": 0, "playbooks": 0}

    assert (list(TemplateVersion.objects.values_list("pk", flat=True)), Policy.objects.count()) == before


def test_a_companys_own_policy_stays(policies):
    mine = copy.deepcopy(policy.current("messaging"))
    mine["settings"]["hold_seconds"] = 7
    policy.replace(key="messaging", data=mine, by=None, now=NOW)

    defaults.load(now=LATER)

    assert policy.current("messaging")["settings"]["hold_seconds"] == 7


def test_a_template_whose_text_changed_gets_a_version_and_keeps_the_old_one(policies, shipped):
    item = shipped["templates"][0]
    item["subject"] = "A better subject"

    assert defaults.load(now=LATER)["templates"] == 1

    old, new = Template.objects.get(key=item["key"]).versions.order_by("number")
    assert (old.number, new.number, new.at) == (1, 2, LATER)
    assert old.content["subject"] != new.content["subject"] == "A better subject"


def test_a_new_name_alone_makes_no_version(policies, shipped):
    shipped["templates"][0]["name"] = "Another name"

    assert defaults.load(now=LATER)["templates"] == 0
    assert Template.objects.get(key=shipped["templates"][0]["key"]).name == "Another name"


def test_the_command_says_what_it_loaded(db, capsys):
    call_command("load_defaults")
    call_command("load_defaults")

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("13 policies, ") and first.endswith(" and 15 playbooks loaded.")
    assert second == "0 policies, 0 template versions and 0 playbooks loaded."
