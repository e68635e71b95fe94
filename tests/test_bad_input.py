"""Whatever is typed or sent: no 500, words that say what is wrong, nothing typed is lost, nothing typed is run."""

import re
from email import message_from_bytes, policy
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from crisiscomms.models import User
from delivery import actions as delivery
from delivery import team_mail
from delivery.channels import email as door
from delivery.models import Dispatch, Notification
from incidents import actions as incidents
from incidents.models import Component, Incident, Product
from messaging.models import ApprovalDecision, ApprovalRequest, Message, MessageVersion
from recovery.models import RecoveryTask
from tests import factories
from tests.page_rules import check_page
from tests.routes import routes
from tests.visits import addresses, answer_of, sign_in, url_of
from tests.world import NOW, Taker, World, deliver, furnish, make_world

# As they stand in a body or query: percent-encoded, so that bytes which are no text can be sent too.
PAYLOADS = {
    "NUL": "%00",
    "lone surrogate": "%ED%A0%80",
    "broken UTF-8": "%FF%FE%C3",
    "long": "x" * 100_000,
    "huge number": "9" * 400,
    "number past the key": "9223372036854775808",
    "negative": "-1",
    "not a number": "NaN",
    "a word": "no-such-choice",
    "a list": "%5B%22a%22%5D",
    "far date": "99999-99-99T99%3A99",
    "latest date": "9999-12-31T23%3A59",
    "earliest date": "0001-01-01T00%3A00",
    "bidi": quote("\u202eevil\u2066"),
    "script": quote("<script>alert(1)</script>"),
    "fields": quote("{{ 7|times:7 }}{% for a in (1..99999999) %}{% endfor %}"),
    "lines": "a%0D%0Ab%E2%80%A8c",
    "blank": "%20%20",
}
SHARP = ("number past the key", "earliest date", "latest date", "bidi")
CONTENT = dict.fromkeys(
    ("subject", "recognize", "respond", "rebuild", "public_title", "public_body", "say", "dont_say", "missing_reason"),
    "text",
) | {"next_update_at": "2026-11-17T15:00", "channels": "email", "kinds": "customer", "tiers": "1", "affected_only": "1"}
DECISION = {
    "verdict": "approved",
    "reason": "text",
    "fingerprint": "f" * 64,
    "code": "123456",
    "remember": "1",
    "sample": "0",
}
PERSON = {
    "name": "Nora",
    "email": "nora@team.example",
    "title": "x",
    "phone": "1",
    "roles": "sales",
    "time_zone": "UTC",
    "deputy": "1",
    "is_active": "1",
    "out_from": "2026-11-17T13:00",
    "out_until": "2026-11-18T13:00",
    "successor": "1",
}
FACT = {"value": "text", "confidence": "believed", "source": "text", "embargo_until": "2026-11-18T13:00"}
RULE = {
    "name": "text",
    "match": "all",
    "outcome": "crisis",
    "opens_watch_item": "1",
    "kind": "service_disruption",
    "severity": "major",
    "components": "1",
    "shape": "1",
    "match-0": "any",
    "g0c0-what": "number:tickets",
    "g0c0-name": "x",
    "g0c0-is_": "above",
    "g0c0-value": "2",
    "g0c0-minutes": "60",
}
ACTIVITY = {
    "name": "text",
    "kind": "newsletter",
    "place": "text",
    "link": "https://x.example/a",
    "owner": "1",
    "products": "1",
    "is_active": "1",
}
MENTION = {
    "channel": "forum",
    "where": "text",
    "sentiment": "neutral",
    "reach": "10",
    "seen_at": "2026-11-17T13:00",
    "link": "https://x.example/a",
    "author": "text",
    "quote": "text",
    "needs_answer": "1",
    "owner": "1",
}
# Every form: route → who fills it in, and a field list with values that are fine.
FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "setup_organisation": (
        "administrator",
        dict.fromkeys(
            ("name", "from_name", "from_address", "reply_to", "support_text", "time_zone", "accent", "remove_logo"),
            "text",
        ),
    ),
    "setup_try": ("administrator", {}),
    "setup_invite": ("administrator", {}),
    "setup_policy": (
        "administrator",
        {
            "base": "1",
            "reason": "text",
            "change": "1",
            "v.settings.hold_seconds": "120",
            "v.settings.four_eyes": "on",
            "v.settings.fresh_code_for_severities": "critical",
            "v.rules.0.name": "text",
            "v.rules.0.stages.0.quorum": "any",
        },
    ),
    "setup_policy_text": ("administrator", {"base": "1", "text": "a: 1", "reason": "text", "change": "1"}),
    "setup_integration": ("administrator", {"set": "1", "secret": "x", "reason": "text"}),
    "setup_change": ("administrator", {"refuse": "1", "reason": "text"}),
    "account_me": (
        "workshop",
        {
            "phone": "1",
            "time_zone": "UTC",
            "deputy": "1",
            "out_from": "2026-11-17T13:00",
            "out_until": "2026-11-18T13:00",
        },
    ),
    "account_told": (
        "workshop",
        {
            "told-urgent": "mail",
            "told-normal": "digest",
            "told-quiet": "bell",
            "told-chat_name": "@ada",
            "told-is_daily": "on",
        },
    ),
    "account_invitation": ("anonymous", {"password": "p"}),
    "incidents:product": ("administrator", {"name": "text"}),
    "incidents:component_setup": (
        "administrator",
        {"name": "text", "description": "text", "is_public": "1", "needs": "1"},
    ),
    "incidents:component_use": ("administrator", {}),
    "recovery:waive": ("workshop", {"reason": "text"}),
    "recovery:hand_over": ("workshop", {"owner": "1"}),
    "kit": (
        "administrator",
        {"press": "x", "line": "text", "reason": "long enough", "number": "5", "day": "2026-11-17", "tiers": "1"},
    ),
    "setup_people": ("administrator", PERSON),
    "setup_person": ("administrator", {**PERSON, "seen": ""}),
    "incidents:declare": (
        "workshop",
        {
            "title": "text",
            "kind": "product_quality",
            "severity": "minor",
            "components": "1",
            "component_state": "partial",
            "discovered_at": "2026-11-17T13:00",
            "summary": "text",
            "restricted": "1",
        },
    ),
    "incidents:move": ("workshop", {"to": "recovery", "waive_reason": "w"}),
    "incidents:stand_down": ("workshop", {"reason": "text"}),
    "incidents:severity": ("workshop", {"severity": "minor"}),
    "incidents:milestone": ("workshop", {"kind": "verified"}),
    "incidents:component": ("workshop", {"component": "1", "state": "partial"}),
    "incidents:waive_deadline": ("workshop", {"reason": "text"}),
    "incidents:snooze_deadline": ("workshop", {"reason": "text", "due_at": "2026-11-17T15:00", "remind_at": ""}),
    "incidents:take_deadline": ("workshop", {}),
    "incidents:meet_deadline": ("workshop", {"note": "text"}),
    "incidents:hand_over_deadline": ("workshop", {"owner": "1"}),
    "incidents:declare_watched": ("workshop", {"title": "text"}),
    "incidents:tick": ("workshop", {"key": "x", "note": "text"}),
    "incidents:decisions": (
        "workshop",
        {"kind": "timing", **dict.fromkeys(("question", "options", "choice", "reason", "break_glass"), "text")},
    ),
    "incidents:disclosure": (
        "workshop",
        {"level": "selective", "seen": "minimal", "reason": "text", "break_glass": "text"},
    ),
    "incidents:assume_role": ("workshop", {"role": "scribe"}),
    "incidents:hand_over_role": ("workshop", {"role": "scribe", "to": "1", "note": "text", "seen": "1"}),
    "incidents:release_role": ("workshop", {"role": "scribe"}),
    "incidents:add_to_team": ("workshop", {"person": "1"}),
    "incidents:remove_from_team": ("workshop", {"person": "1", "at": "team"}),
    "incidents:duty": (
        "administrator",
        {
            "add": "hours",
            "h-role": "executive",
            "h-weekdays": "1",
            "h-begins": "09:00",
            "h-ends": "17:00",
            "s-role": "executive",
            "s-begins_at": "2026-11-17T13:00",
            "s-ends_at": "2026-11-17T15:00",
        },
    ),
    "incidents:remove_duty_hours": ("administrator", {}),
    "incidents:remove_duty_shift": ("administrator", {}),
    "incidents:record_add": (
        "workshop",
        {"key": "x", "title": "text", "text": "text", "url": "https://x.example/a", "file": "text"},
    ),
    "incidents:record_waive": ("workshop", {"key": "x", "reason": "text"}),
    "incidents:record_export": ("workshop", {"with_recipients": "1", "reason": "text"}),
    "incidents:replan": ("workshop", {"clocks": "1", "obligations": "1"}),
    "incidents:regions": ("workshop", {"regions": "EU"}),
    "incidents:calendar": ("workshop", {}),
    "incidents:calendar_end": ("workshop", {}),
    "incidents:facts": ("workshop", {**FACT, "label": "text", "role": "product"}),
    "incidents:fact_change": ("workshop", {**FACT, "seen": "2", "reason": "text"}),
    "incidents:fact_confirm": ("workshop", {"seen": "2"}),
    "incidents:fact_withdraw": ("workshop", {"seen": "2", "reason": "text"}),
    "incidents:fact_ask": ("workshop", {"role": "product"}),
    "incidents:hook": ("anonymous", {"title": "text"}),
    "incidents:signal_report": (
        "workshop",
        {
            **dict.fromkeys(("title", "text", "link"), "text"),
            "happened_at": "2026-11-17T13:00",
            "media_enquiry": "1",
            "regulator_contact": "1",
            "tickets": "1",
            "mentions": "1",
            "error_rate": "1",
            "accounts_affected": "1",
            "data_class": "personal",
            "components": "1",
        },
    ),
    "incidents:signal_attach": ("workshop", {"incident": "1"}),
    "incidents:signal_detach": ("workshop", {}),
    "incidents:signal_end": ("workshop", {}),
    "incidents:signal_watch": ("workshop", {"title": "text", "kind": "product_quality", "severity": "minor"}),
    "incidents:signal_decline": ("workshop", {"reason": "text"}),
    "incidents:signal_accept": ("workshop", {}),
    "incidents:threshold_new": ("workshop", RULE),
    "incidents:threshold": ("workshop", {**RULE, "base": "1"}),
    "incidents:threshold_switch": ("workshop", {"on": "1"}),
    "incidents:threshold_raise": ("workshop", {}),
    "incidents:signal_sources": ("administrator", {"name": "text", "kind": "generic", "with_secret": "1"}),
    "incidents:signal_source": (
        "administrator",
        {"set_secret": "1", "s-secret": "text", "s-grace_hours": "0", "rotate": "1", "r-grace_hours": "24"},
    ),
    "incidents:outward": ("workshop", ACTIVITY),
    "incidents:outward_activity": ("workshop", ACTIVITY),
    "incidents:halt_list": (
        "workshop",
        {"name": "text", "kind": "ad", "place": "text", "link": "https://x.example", "owner": "1"},
    ),
    "incidents:halt_act": ("workshop", {"act": "halt", "reason": "text", "owner": "1"}),
    "incidents:halt_again": ("workshop", {}),
    "incidents:mentions": ("workshop", MENTION),
    "incidents:all_mentions": ("workshop", MENTION),
    "incidents:mention": ("workshop", {"act": "answer", "how": "text", "owner": "1", "incident": "1"}),
    "incidents:mention_correct": ("workshop", {**MENTION, "seen": "1"}),
    "incidents:competitor_correct": (
        "workshop",
        {
            "seen": "1",
            "competitor": "text",
            "what": "text",
            "channel": "press",
            "link": "https://x.example",
            "seen_at": "2026-11-17T13:00",
        },
    ),
    "incidents:competitors": (
        "workshop",
        {
            "competitor": "text",
            "what": "text",
            "channel": "press",
            "link": "https://x.example",
            "seen_at": "2026-11-17T13:00",
            "claim": "text",
            "is_true": "false",
        },
    ),
    "incidents:competitor": (
        "workshop",
        {
            "act": "judge",
            "claim": "text",
            "is_true": "false",
            "response": "none",
            "why": "text",
            "title": "text",
            "owner": "1",
            "due_at": "2026-11-18T13:00",
            "task": "1",
            "outcome": "text",
        },
    ),
    "incidents:playbook_edit": (
        "workshop",
        {
            "base": "1",
            "reason": "text",
            "tasks-tasks": "5 | legal | x",
            "people-roles": "legal",
            "facts-questions": "text",
            "phases-management": "text",
            "messages-audiences": "customers",
            "sending-waves": "text",
        },
    ),
    "incidents:playbook_agree": ("administrator", {"version": "1"}),
    "incidents:plan": ("workshop", {"task": "1", "act": "done", "note": "text", "owner": "1"}),
    "incidents:plan_switch": ("workshop", {}),
    "incidents:products": (
        "administrator",
        {"add_product": "1", "p-name": "n", "add_component": "1", "c-product": "1", "c-name": "n"},
    ),
    "stakeholders:allow": ("workshop", {"account": "1"}),
    "stakeholders:personal_data": ("administrator", {"address": "somebody@else.example"}),
    "stakeholders:columns": ("workshop", {"column_0": "email", "column_1": "first_name"}),
    "stakeholders:apply": ("workshop", {"expected": "1"}),
    "stakeholders:cancel": ("workshop", {}),
    "stakeholders:undo": ("workshop", {}),
    "stakeholders:upload": ("workshop", {"file": "x", "kind": "accounts"}),
    "messaging:new": ("workshop", {"kind": "update"}),
    "messaging:compose": ("workshop", {"revision": "2", "sample": "0", "next_update_at": "2026-11-17T15:00"}),
    "messaging:autosave": ("workshop", {"revision": "2", "next_update_at": "2026-11-17T15:00"}),
    "messaging:request_approval": ("workshop", {"revision": "2", "sample": "0", **CONTENT}),
    "messaging:reopen": ("workshop", {}),
    "messaging:approve": ("asked", DECISION),
    "messaging:approve_link": ("anonymous", {**DECISION, "unlock": "1"}),
    "delivery:order": ("workshop", {}),
    "delivery:take_back": ("workshop", {}),
    "delivery:stop": ("workshop", {"reason": "text"}),
    "delivery:open_early": ("workshop", {"reason": "text"}),
    "delivery:resume": ("workshop", {}),
    "delivery:retry": ("workshop", {}),
    "delivery:settle": ("workshop", {"choice": "again"}),
    "delivery:unsubscribe": ("anonymous", {"List-Unsubscribe": "One-Click"}),
    "recovery:complete": ("workshop", {"evidence": "text"}),
    "welcome": ("anonymous", {"organisation": "o", "name": "n", "email": "e@x.example", "password": "p"}),
    "account_tokens": ("workshop", {"name": "text", "scopes": "read", "days": "90"}),
    "account_token_revoke": ("workshop", {}),
    "setup_retry_lines": ("administrator", {}),
    "setup_retry_mails": ("administrator", {}),
    "notices_read": ("workshop", {"up_to": "1"}),
    "account_login": ("anonymous", {"login": "a@team.example", "password": "p", "next": "/"}),
    "account_logout": ("workshop", {"next": "/"}),
    "account_signup": ("anonymous", {"email": "a@x.example"}),
    "account_reauthenticate": ("workshop", {"password": "p", "next": "/"}),
    "account_change_password": ("workshop", {"oldpassword": "a", "password1": "b", "password2": "b"}),
    "account_reset_password": ("anonymous", {"email": "ada@team.example"}),
    "account_end_session": ("workshop", {"session": "x", "others": "1"}),
    "mfa_login_webauthn": ("anonymous", {"credential": "{}", "next": "/"}),
    "mfa_authenticate": ("anonymous", {"code": "1", "credential": "{}"}),
    "mfa_reauthenticate": ("workshop", {"code": "1", "next": "/"}),
    "mfa_reauthenticate_webauthn": ("workshop", {"credential": "{}", "next": "/"}),
    "mfa_activate_totp": ("workshop", {"code": "1"}),
    "mfa_deactivate_totp": ("workshop", {}),
    "mfa_add_webauthn": ("workshop", {"credential": "{}", "name": "n", "passwordless": "on"}),
    "mfa_remove_webauthn": ("workshop", {}),
    "account_rename_passkey": ("workshop", {"name": "text"}),
    "mfa_generate_recovery_codes": ("workshop", {}),
    "messaging:devices": ("workshop", {"device": "1"}),
    "setup_take_away_factors": ("administrator", {}),
    "account_reset_password_from_key": ("anonymous", {"password1": "b", "password2": "b"}),
}
# Every address that reads its query: route → who, and the names.
QUERIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "notices": ("workshop", ("before",)),
    "notices_bell": ("workshop", ("place", "page", "writing")),
    "setup_record": ("administrator", ("kind", "by", "first", "last", "sort", "col", "after", "check")),
    "setup_record_csv": ("administrator", ("kind", "by", "first", "last", "sort", "col", "after")),
    "setup_people": ("administrator", ("q", "role", "access", "sort", "col", "after")),
    "setup_people_csv": ("administrator", ("q", "role", "access", "sort", "col", "after")),
    "incidents:products": ("administrator", ("product",)),
    "incidents:signals": ("workshop", ("q", "source", "status", "place", "sort", "col", "after")),
    "incidents:threshold_try": ("workshop", ("days",)),
    "incidents:declare": ("workshop", ("signal", "proposal")),
    "incidents:declare_consequences": ("workshop", ("kind", "severity", "discovered_at", "restricted")),
    "desk:search": ("workshop", ("q",)),
    "desk:search_live": ("administrator", ("q",)),
    "kit": ("administrator", ("q", "access", "sort", "col", "after")),
    "desk:incidents": ("workshop", ("q", "phase", "severity", "kind", "sort", "col", "after")),
    "desk:incidents_csv": ("workshop", ("q", "phase", "severity", "kind", "sort", "col", "after")),
    "incidents:mentions": ("workshop", ("q", "channel", "sentiment", "answer", "sort", "col", "after")),
    "incidents:mentions_csv": ("workshop", ("q", "channel", "sentiment", "answer", "sort", "col", "after")),
    "incidents:all_mentions": ("workshop", ("q", "channel", "sentiment", "answer", "sort", "col", "after")),
    "incidents:all_mentions_csv": ("workshop", ("q", "channel", "sentiment", "answer", "sort", "col", "after")),
    "incidents:playbook": ("workshop", ("version",)),
    "desk:room": ("workshop", ("all",)),
    "desk:room_timeline": ("workshop", ("all",)),
    "stakeholders:contacts": ("workshop", ("q", "tier", "state", "sort", "col", "after")),
    "stakeholders:export": ("workshop", ("q", "tier", "state", "sort", "col", "after")),
    "stakeholders:accounts": ("workshop", ("q", "tier", "kind", "region", "sort", "col", "after")),
    "stakeholders:accounts_csv": ("workshop", ("q", "tier", "kind", "region", "sort", "col", "after")),
    "stakeholders:upload": ("workshop", ("after",)),
    "stakeholders:rows": ("workshop", ("show", "after")),
    "messaging:compose": ("workshop", ("sample",)),
    "messaging:panel": ("workshop", ("sample",)),
    "messaging:approve": ("asked", ("sample",)),
    "messaging:approve_link": ("anonymous", ("sample",)),
    "portal:home": ("sales", ("q",)),
    "portal:live": ("sales", ("q",)),
    "account_login": ("anonymous", ("next",)),
    "account_logout": ("workshop", ("next",)),
    "oidc_start": ("anonymous", ("next",)),
    "openid_connect_callback": ("anonymous", ("code", "state", "error")),
}


@pytest.fixture
def world(policies, settings, tmp_path) -> World:
    furnish(settings, tmp_path)
    return make_world(hidden="Quiet", released="Some card payments fail")


def bodies(fields: dict[str, str]) -> dict[str, str]:
    """What is wrong → the body: every payload in all fields, the sharp ones field by field, missing and repeated ones."""
    good = {name: quote(value) for name, value in fields.items()}
    found = {f"all {what}": encoded(dict.fromkeys(good, bad)) for what, bad in PAYLOADS.items()}
    # Free text takes anything; what has a type or choices meets the sharp ones alone, so that the rest is valid.
    for field in (name for name, value in fields.items() if value != "text"):
        found |= {f"{field} {what}": encoded({**good, field: PAYLOADS[what]}) for what in SHARP}
        found[f"{field} is missing"] = encoded({name: value for name, value in good.items() if name != field})
    twice = "".join(f"&{field}=other&{field}%5B%5D=1" for field in good)
    return found | {
        "everything twice": encoded(good) + twice,
        "nothing": "",
        "only the token": "csrfmiddlewaretoken=x",
        "no pair": "%26%3D&&=&a",
    }


def encoded(values: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in values.items())


def trouble(answer: Any) -> str:
    """Why an answer is not good enough, or nothing: a 500, no words, a broken page."""
    if answer.status_code >= 500:
        return f"{answer.status_code}"
    if answer.status_code >= 400 and not answer.getvalue().strip():
        return "no words"
    try:
        check_page(answer, is_partial=not answer.streaming and b"<html" not in answer.content)
    except AssertionError as error:
        return str(error)[:200]
    return ""


def test_every_form_of_the_product_is_in_the_list():
    takes_none = {name for name, _ in routes() if not name.startswith("api:")} - FORMS.keys()

    assert {name for name in takes_none if not name.endswith(("_done", "_live", "live", "inactive"))} <= READ_ONLY


READ_ONLY = {
    *("desk:drawings", "desk:timeline_table", "desk:timeline_png", "desk:diagram_png"),
    *("incidents:clocks", "incidents:clocks_csv", "incidents:deadline", "incidents:calendar_feed"),
    *("incidents:roster", "incidents:ownership", "incidents:team"),
    *("incidents:record", "incidents:record_exports", "incidents:record_fetch", "incidents:record_file"),
    *("incidents:record_pdf", "incidents:anchors"),
    "incidents:fact",
    *("incidents:playbooks", "incidents:playbook", "incidents:playbook_history"),
    *("incidents:mentions_csv", "incidents:all_mentions_csv"),
    *(
        "mfa_index",
        "mfa_view_recovery_codes",
        "account_second_factor",
        "setup_sign_in",
        "oidc_start",
        "openid_connect_callback",
    ),
    "desk:search",
    "kit_progress",
    *("incidents:signals", "incidents:signal", "incidents:signal_body", "incidents:signal_proposal"),
    *("incidents:thresholds", "incidents:threshold_try"),
    *(
        "healthz",
        "readyz",
        "metrics",
        "desk:home",
        "desk:incidents",
        "desk:incidents_csv",
        "desk:room",
        "desk:room_timeline",
    ),
    *("incidents:declare_consequences", "stakeholders:contacts", "stakeholders:export", "stakeholders:accounts"),
    "stakeholders:accounts_csv",
    *("stakeholders:rows", "stakeholders:rejected_csv", "stakeholders:kept_csv"),
    *("stakeholders:account", "stakeholders:import", "stakeholders:data_export", "messaging:panel", "messaging:status"),
    *("delivery:send_plan", "delivery:progress", "delivery:recipients_csv", "recovery:overview", "recovery:board"),
    *("portal:home", "portal:live", "statuspage:home", "statuspage:history", "statuspage:incident"),
    *("inbox", "inbox_mail", "inbox_mail_html", "brand_style", "brand_logo"),
    *("setup", "setup_policies", "setup_policy_version", "setup_integrations", "setup_changes", "setup_record"),
    *("setup_record_csv", "setup_people_csv"),
    *("statuspage:past", "notices", "notices_bell", "notice"),
}


@pytest.mark.slow
def test_i8_no_form_answers_anything_with_a_500_or_without_words(world):
    wrong, patterns = {}, dict(routes())
    for name, (who, fields) in FORMS.items():
        client = sign_in(world.people.get(who), raise_request_exception=False)
        url = url_of(name, patterns[name], world.open)
        for what, body in bodies(fields).items():
            answer = answer_of(
                client, "POST", url, data=body.encode(), content_type="application/x-www-form-urlencoded"
            )
            wrong |= {(name, what): reason} if (reason := trouble(answer)) else {}

    assert wrong == {}


@pytest.mark.slow
def test_i8_no_query_answers_anything_with_a_500(world):
    wrong, patterns = {}, dict(routes())
    for name, (who, fields) in QUERIES.items():
        client = sign_in(world.people.get(who), raise_request_exception=False)
        url = url_of(name, patterns[name], world.open)
        for what, bad in PAYLOADS.items():
            htmx = {"HX-Request": "true", "HX-Current-URL": "http://testserver/%00", "HX-Target": "\udcff"}
            for query, headers in [(dict.fromkeys(fields, bad), {}), ({bad[:200]: bad[:200]}, htmx)]:
                answer = answer_of(client, "GET", f"{url}?{encoded(query)}", headers=headers)
                wrong |= {(name, what): reason} if (reason := trouble(answer)) else {}

    assert wrong == {}


@pytest.mark.parametrize("place", ["/approve/{}/", "/u/{}/", "/status/{}", "/portal/?q={}", "/account/login/?next={}"])
@pytest.mark.parametrize("bad", ["%00", "a%00b", "%FF", "%ED%A0%80"])
def test_i8_bytes_that_are_no_text_in_an_address_are_a_bad_request(bad, place, policies):
    answer = sign_in(None).get(place.format(bad))

    # Broken bytes in a path are percent signs by the time Django gives it, and name nothing.
    assert answer.status_code == (400 if "%00" in bad or "?" in place else 404)
    assert "<h1" in answer.content.decode()


@pytest.mark.parametrize("number", ["0", "999999999", "9999999999", "-1", "1.5", "abc", "１"])
def test_a_number_that_no_page_has_is_not_found(number, ada):
    client = sign_in(ada)

    codes = {
        client.get(place.format(number)).status_code
        for place in ("/incidents/INC-{}/", "/messages/{}/", "/contacts/accounts/{}/")
    }

    assert codes == {404}


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param(b"title=" + b"x" * 3_000_000, FORM, 400, id="3 MB"),
        pytest.param("&".join(f"f{n}=1" for n in range(5_000)).encode(), FORM, 400, id="5 000 fields"),
        pytest.param(b"nothing", "multipart/form-data", 400, id="no boundary"),
        pytest.param(b"title=x", f"{FORM}; charset=nonsense", 422, id="no such charset"),
        pytest.param(b"title=%E4", f"{FORM}; charset=latin-1", 400, id="another charset"),
        # Nothing in these is a field, so the empty form comes back.
        pytest.param(b"[" * 100_000, "application/json", 200, id="deep JSON"),
        pytest.param(b"--x\r\nnot multipart", "multipart/form-data; boundary=x", 200, id="broken multipart"),
    ],
)
def test_i7_a_body_out_of_bounds_is_answered_with_words_and_changes_nothing(body, kind, status, ada):
    client = sign_in(ada, raise_request_exception=False)

    answer = client.generic("POST", "/incidents/declare/", body, content_type=kind)

    assert answer.status_code == status
    check_page(answer)
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a\r\nb.csv", "\u202evsc.exe", "x" * 300 + ".csv", "<script>.csv", ".csv", "a\x00b.csv"],
)
def test_i8_a_hostile_file_name_is_only_a_name(name, ada, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    client = sign_in(ada, raise_request_exception=False)
    file = SimpleUploadedFile("contacts.csv", b"Email\na@x.example\n")
    file._name = name

    answer = client.post("/contacts/import/", {"kind": "contacts", "file": file}, follow=True)

    assert answer.status_code < 500
    check_page(answer)
    assert not list(tmp_path.parent.rglob("*passwd*"))


# What was typed stays on the page


def typed_and_shown(answer: Any, *texts: str) -> bool:
    page = answer.content.decode()
    return all(text in page for text in texts)


def test_declare_keeps_what_was_typed(ada):
    data = {
        "title": "My typed title",
        "summary": "My typed summary",
        "severity": "no-such",
        "kind": "",
        "discovered_at": "soon",
    }

    answer = sign_in(ada).post("/incidents/declare/", data)

    assert answer.status_code == 422
    assert typed_and_shown(answer, "My typed title", "My typed summary", "soon", "not declared yet")


@pytest.mark.parametrize(("revision", "status"), [("1", 409), ("", 422), ("abc", 422), ("9" * 30, 422)])
def test_compose_keeps_what_was_typed(revision, status, ada):
    message = factories.make_message(factories.make_incident(ada), ada)
    texts = {
        name: f"My typed {name}"
        for name in ("subject", "recognize", "respond", "rebuild", "public_title", "public_body")
    }

    for path in (f"/messages/{message.pk}/", f"/messages/{message.pk}/request-approval/"):
        answer = sign_in(ada).post(path, {**CONTENT, **texts, "say": "My typed line", "revision": revision})
        assert answer.status_code == status
        assert typed_and_shown(answer, *texts.values(), "My typed line")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"verdict": "maybe"},
        {"verdict": "returned", "fingerprint": "old"},
        {"verdict": "approved", "code": "000000"},
    ],
)
def test_an_approver_keeps_the_reason_and_decides_nothing(data, ada, ben):
    request = factories.ask(factories.make_message(factories.make_incident(ada, severity="critical"), ada), ada)
    mark = {"fingerprint": request.version.fingerprint}

    answer = sign_in(ben).post(f"/approvals/{request.pk}/", {**mark, **data, "reason": "My typed reason"})

    assert answer.status_code in (200, 409, 422)
    assert typed_and_shown(answer, "My typed reason")
    assert not ApprovalDecision.objects.exists()


def test_the_people_form_keeps_what_was_typed(olga):
    data = {
        "name": "My typed name",
        "email": "no address",
        "title": "My typed title",
        "phone": "+43 1 My",
        "roles": ["none"],
    }

    for path in ("/setup/people/", f"/setup/people/{olga.pk}/"):
        answer = sign_in(olga).post(path, data)
        assert answer.status_code == 422
        assert typed_and_shown(answer, "My typed name", "no address", "My typed title", "+43 1 My")


def test_recovery_keeps_the_evidence(ada, ben):
    incident = factories.make_incident(ada)
    for to in ("management", "resolution"):
        incidents.move_phase(incident_id=incident.pk, to=to, waive_reason="test", by=ada, now=NOW)
    task = RecoveryTask.objects.first()
    path = f"/incidents/INC-{incident.number}/recovery/{task.pk}/complete/"

    too_long = sign_in(ada).post(path, {"evidence": "My typed proof " + "x" * 2_000})
    sign_in(ada).post(path, {"evidence": "First"})
    second = sign_in(ada).post(path, {"evidence": "My typed proof"})

    assert (too_long.status_code, second.status_code) == (422, 409)
    assert typed_and_shown(too_long, "My typed proof", "2000")
    assert typed_and_shown(second, "My typed proof", "done already, by")


def test_a_stop_reason_that_is_too_long_is_called_too_long(world):
    client = sign_in(world.people["workshop"])

    answer = client.post(f"/dispatches/{world.open['dispatch_id']}/stop/", {"reason": "x" * 400}, follow=True)

    assert "300 characters at most; it has 400" in answer.content.decode()


# I5: what reaches a header is one plain line

BREAKS = ["a\r\nBcc: eve@x.example", "a\nb", "a\rb", "a\u2028b", "a\u2029b", "a\x85b", "a\x00b", "a\u202eb", "end\n"]


@pytest.mark.parametrize("bad", BREAKS, ids=ascii)
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/incidents/declare/", "title"),
        *[
            ("/setup/organisation/", field)
            for field in ("name", "from_name", "from_address", "reply_to", "support_text")
        ],
        *[("/setup/people/", field) for field in ("name", "email", "title")],
        ("/setup/products/", "p-name"),
        ("/setup/products/", "c-name"),
    ],
)
def test_i5_a_field_that_reaches_a_header_refuses_what_breaks_it(path, field, bad, olga):
    product = Product.objects.create(name="API")
    adds = {"add_product": "1"} if field == "p-name" else {"add_component": "1", "c-product": product.pk}
    forms = {
        "/setup/organisation/": "setup_organisation",
        "/setup/people/": "setup_people",
        "/incidents/declare/": "incidents:declare",
    }
    good = FORMS[forms[path]][1] | ADDRESSES if path in forms else adds

    answer = sign_in(olga).post(path, {**good, field: bad})

    assert answer.status_code in (400, 422)
    assert not Incident.objects.exists()
    assert (Product.objects.count(), Component.objects.count(), User.objects.get_queryset().count()) == (1, 0, 1)


ADDRESSES = {
    "from_address": "a@x.example",
    "reply_to": "b@x.example",
    "time_zone": "UTC",
    "deputy": "",
    "components": [],
    "restricted": "",
}


@pytest.mark.parametrize("bad", BREAKS[:-1], ids=ascii)
@pytest.mark.parametrize("field", ["subject", "public_title"])
def test_i5_a_subject_that_is_not_one_line_is_never_sent_for_approval(field, bad, ada, ben):
    message = factories.make_message(factories.make_incident(ada), ada)
    before = MessageVersion.objects.count()
    data = {**CONTENT, "revision": message.revision, field: bad}

    answer = sign_in(ada).post(f"/messages/{message.pk}/request-approval/", data)

    assert answer.status_code in (400, 422)
    assert (MessageVersion.objects.count(), ApprovalRequest.objects.count()) == (before, 0)


def test_i5_a_name_that_slips_in_breaks_no_header_and_stops_nobody_else(ada, ben):
    factories.make_contact("eve@x.example", first_name="Eve\r\nBcc: victim@x.example", last_name="\u2028X-Evil: 1")
    factories.make_contact("lena@x.example")
    incident = factories.make_incident(ada)
    message = factories.make_approved(incident, ada, ben, affected_only=False, subject="For {{ account }}")
    factories.order(message, ada)
    door._session = taker = Taker()
    deliver(NOW)

    mails = [message_from_bytes(mail.data, policy=policy.default) for mail in taker.mails]
    assert "lena@x.example" in {mail.recipient for mail in taker.mails}
    assert [mail for mail in mails if mail["Bcc"] or mail["X-Evil"] or mail.defects] == []
    assert Notification.objects.filter(state="queued").count() == 0


# I6: what is typed is never run, rendered or turned around

SUM = 7121 * 7
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
LINK = "[x](javascript:alert(1))"
FIELD = "{{ 7121|times:7 }}"
BIDI = "\u202eevil"
HOSTILE = f"{SCRIPT}{FIELD}{LINK}"


class Inert(HTMLParser):
    """Collects what a browser would run or load from a page, and text that stands turned around without a fence."""

    # The two pictures that the product draws itself.
    DRAWN = re.compile(r"/incidents/INC-[0-9]+/(timeline|diagram)\.png(\?for=public)?")
    FENCES = ("bdi", "textarea", "title", "option")
    BLOCKS = (
        "p",
        "h1",
        "h2",
        "h3",
        "li",
        "td",
        "th",
        "dd",
        "dt",
        "div",
        "blockquote",
        "summary",
        "label",
        "small",
        "section",
    )
    EMPTY = ("meta", "link", "input", "br", "hr", "img", "use", "path", "circle", "rect", "col", "base")

    def __init__(self, page: str, *, allow_style: bool = False) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.stack: list[tuple[str, bool]] = []
        self.allow_style = allow_style
        self.unfenced = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        runs = [name for name in found if name.startswith("on") or (name == "style" and not self.allow_style)]
        loads = [
            v
            for n, v in found.items()
            if n in ("href", "src", "action", "formaction", "hx-get", "hx-post") and not self._is_ours(v)
        ]
        if tag in ("object", "embed") or (tag == "img" and not self.DRAWN.fullmatch(found.get("src", ""))):
            runs.append(tag)
        if tag == "script" and not found.get("src", "").startswith("/static/"):
            runs.append("inline script")
        self.wrong += [f"<{tag}> {one}" for one in runs + loads]
        if tag not in self.EMPTY:
            self.stack.append((tag, tag in self.FENCES or found.get("dir") == "auto"))

    def handle_endtag(self, tag: str) -> None:
        while self.stack:
            last, _ = self.stack.pop()
            if last in self.BLOCKS:
                self.unfenced = ""
            if last == tag:
                break

    def handle_data(self, data: str) -> None:
        if self.unfenced and data.strip():
            self.wrong.append(f"turned around: {self.unfenced[:60]!r} before {data.strip()[:40]!r}")
            self.unfenced = ""
        if "\u202e" in data and not any(fence for _, fence in self.stack):
            # At the end of its block it can turn nothing around.
            self.unfenced = data

    @staticmethod
    def _is_ours(url: str) -> bool:
        return url == "" or url.startswith(
            ("/", "#", "?", "http://localhost:8000/", "https://", "mailto:", "data:image")
        )


@pytest.fixture
def hostile(policies, settings, tmp_path) -> World:
    """A world in which everybody typed payloads wherever the product lets them."""
    furnish(settings, tmp_path)
    world = make_world(hidden="Quiet", released="Some card payments fail")
    ada, ben = world.people["workshop"], world.people["asked"]
    account = factories.make_account(f"{HOSTILE}{BIDI}", region=HOSTILE[:40], products=["Payments API", SCRIPT])
    factories.make_contact(
        "eve@x.example", account, first_name=f"{SCRIPT}{BIDI}", last_name=f"{FIELD}{LINK}{BIDI}", title=HOSTILE
    )
    User.objects.get_queryset().filter(pk=ada.pk).update(name=f"Ada {SCRIPT}{FIELD}", title=f"{LINK}{FIELD}")
    component = factories.make_component(f"{SCRIPT}{FIELD}", f"{LINK}{FIELD}")
    title = f"{HOSTILE} happened"
    incident = factories.make_incident(
        ada, title=title, summary=f"{HOSTILE}{BIDI}", components={component.pk: "outage"}
    )
    part = f"{SCRIPT}\n\n{LINK} **bold** <a href='javascript:x'>y</a> {{{{ what_happened }}}} {{{{ components }}}}"
    texts = {"recognize": part, "respond": part, "rebuild": part, "public_body": part, "affected_only": False}
    texts |= {"subject": f"{SCRIPT} {{{{ account }}}}", "public_title": f"{SCRIPT}{LINK} {{{{ what_happened }}}}"}
    texts |= {
        "say": [part.replace("\n", " ")],
        "dont_say": [{"text": HOSTILE.replace(FIELD, ""), "instead": part.replace("\n", " ")}],
    }
    returned = factories.make_message(incident, ada, **texts)
    factories.approve(factories.ask(returned, ada), ben, verdict="returned", reason=f"{HOSTILE}{BIDI}")
    sent = factories.make_approved(incident, ada, ben, **texts)
    factories.order(sent, ada)
    door._session = taker = Taker()
    deliver(NOW)
    team_mail.send_due(now=lambda: NOW)
    asked = factories.ask(factories.make_message(incident, ada, kind="update", **texts), ada)
    stopped = factories.make_approved(incident, ada, ben, kind="update", **texts)
    for dispatch in factories.order(stopped, ada, hold_seconds=60):
        delivery.stop_dispatch(dispatch_id=dispatch.pk, reason=f"{HOSTILE}{BIDI}", by=ada, now=NOW)
    world.mails = taker.mails
    world.open |= {"number": incident.number, "message_id": returned.pk, "sent_id": sent.pk, "approved_id": stopped.pk}
    world.open |= {
        "request_id": asked.pk,
        "account_id": account.pk,
        "dispatch_id": Dispatch.objects.filter(message=sent)[0].pk,
    }
    world.open |= {"stopped_id": stopped.pk, "asked_id": asked.message_id}
    return world


@pytest.mark.slow
def test_i6_payloads_are_inert_on_every_page(hostile):
    wrong, seen = {}, 0
    for who in ("administrator", "workshop", "asked", "sales", "anonymous"):
        client = sign_in(hostile.people.get(who))
        extra = [
            f"/messages/{hostile.open[key]}/{tail}" for key in ("stopped_id", "asked_id") for tail in ("", "send/")
        ]
        for url in [
            *(url for _, url in addresses(hostile.open, ("GET",))),
            *extra,
            "/contacts/",
            "/portal/?q=%3Cscript%3E",
        ]:
            answer = client.get(url)
            if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming:
                page = answer.content.decode()
                seen += "&lt;script&gt;" in page
                wrong |= {(who, url): found} if (found := Inert(page).wrong) else {}
                assert str(SUM) not in page, url

    assert wrong == {}
    assert seen > 25


def test_i6_payloads_are_inert_in_the_feed(hostile):
    feed = ElementTree.fromstring(sign_in(None).get("/status/history.atom").content)
    texts = [text for text in feed.itertext() if text.strip()]

    assert any("<script>" in text for text in texts)
    assert [
        found for text in feed.iter("{http://www.w3.org/2005/Atom}summary") if (found := Inert(text.text or "").wrong)
    ] == []
    assert [text for text in texts if str(SUM) in text or "\u202e" in text] == []


def test_i6_payloads_are_inert_in_mails(hostile):
    mails = [message_from_bytes(mail.data, policy=policy.default) for mail in hostile.mails]
    bodies = [
        (part.get_content_type(), part.get_content())
        for mail in mails
        for part in mail.walk()
        if not part.is_multipart()
    ]

    assert any(FIELD in text for _, text in bodies)
    assert any(SCRIPT in text for kind, text in bodies if kind == "text/plain")
    assert [
        found for kind, text in bodies if kind == "text/html" and (found := Inert(text, allow_style=True).wrong)
    ] == []
    assert [text for _, text in bodies if str(SUM) in text] == []
    assert [
        mail for mail in mails if mail.defects or str(SUM) in str(mail["Subject"]) or "\u202e" in str(mail.values())
    ] == []


@pytest.mark.parametrize(
    "bad",
    ["{{ 7|times:7 }}", "{% for a in (1..9) %}x{% endfor %}", "{{ user.password }}", "{{ what_happened", "\u202eevil"],
)
@pytest.mark.parametrize("field", ["subject", "recognize", "public_title", "public_body", "say", "dont_say"])
def test_i9_a_text_that_would_compute_or_hide_is_refused_before_approval(field, bad, ada, ben):
    message = factories.make_message(factories.make_incident(ada), ada)
    data = {**CONTENT, "revision": message.revision, field: bad}

    answer = sign_in(ada).post(f"/messages/{message.pk}/request-approval/", data)

    assert answer.status_code == 422
    assert Message.objects.get(pk=message.pk).state == "draft"
    assert not ApprovalRequest.objects.exists()
