"""Drawings as pages and pictures: who gets which, what stays inside, and what they cost."""

import re
import struct
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from crisiscomms import clock
from crisiscomms.models import AuditEvent
from desk.drawings import diagram, examples, neighbours, pictures, scenes, timeline
from incidents import actions
from incidents.models import ComponentState, Deadline, Dependency, Incident
from tests import factories
from tests.conftest import NOW
from tests.delivery.ground import release
from tests.desk import drawn
from tests.visits import sign_in

BAD = '</title><script>alert(1)</script>"&'


@pytest.fixture
def incident(ada):
    return factories.make_incident(ada, title="Secret inner title")


def published(incident, ada, ben, title="Some card payments fail"):
    message = factories.make_approved(incident, ada, ben, channels=["status"], public_title=title)
    for dispatch in factories.order(message, ada):
        release(dispatch)
    return message


def text_of(response):
    return response.content.decode()


# The room


def test_the_room_shows_both_drawings_with_titles_descriptions_and_tables(ada, incident, browse):
    page = text_of(browse(ada, f"/incidents/{incident.ref}/"))

    assert 'role="img" aria-labelledby="tl-t tl-d"' in page and 'aria-labelledby="dia-t dia-d"' in page
    assert "Initial response since" in page and "Card payments: partly failing" in page
    assert 'role="region" aria-label="Drawn timeline" id="tl" data-cc-now="' in page
    assert f"/incidents/{incident.ref}/timeline/table/" in page and "As a list" in page


def test_the_drawings_answer_304_within_a_minute_and_change_with_the_incident(ada, incident):
    client, url = sign_in(ada), f"/incidents/{incident.ref}/drawings/live/"
    first = text_of(client.get(url))
    mark = first.split('"If-None-Match": "')[1].split('"')[0]

    with clock.at(NOW + timedelta(seconds=40)):
        assert client.get(url, headers={"If-None-Match": mark}).status_code == 304
    actions.reach_milestone(incident=incident, kind="verified", by=ada, now=NOW)
    again = client.get(url, headers={"If-None-Match": mark})

    assert again.status_code == 200 and "verified" in text_of(again)
    # One poll of their own, slower than the room's.
    assert re.findall(r'hx-trigger="every (\d+)s"', first) == ["20"]


def test_phases_stand_from_when_to_when(ada, incident):
    actions.move_phase(
        incident_id=incident.pk, to="management", waive_reason="Told", by=ada, now=NOW + timedelta(minutes=9)
    )
    incident.refresh_from_db()

    rows = scenes.phase_rows(incident)

    assert [(one.label, one.ended_at) for one in rows] == [
        ("Initial response", NOW + timedelta(minutes=9)),
        ("Management", None),
    ]


def test_messages_stand_where_they_left_or_will(ada, ben, incident):
    published(incident, ada, ben)
    factories.ask(factories.make_message(incident, ada, kind="update"), ada)

    scene = scenes.team_scene(Incident.objects.get(pk=incident.pk), NOW)

    assert [(one.number, one.reach) for one in scene.sent] == [(1, "status page")]
    assert [(one.number, one.label, one.detail) for one in scene.coming] == [(2, "In approval", "0 of 1 have said yes")]


def test_the_table_says_what_the_drawing_shows(ada, incident, browse):
    page = text_of(browse(ada, f"/incidents/{incident.ref}/timeline/table/"))

    for words in ("Initial response", "Card payments: partly failing", "Acknowledge to customers", "due in 1 h 30 min"):
        assert words in page, words


def test_the_room_asks_no_more_often_for_more_of_everything(ada, ben, incident, django_assert_max_num_queries):
    client, url = sign_in(ada), f"/incidents/{incident.ref}/drawings/live/"
    published(incident, ada, ben)
    client.get(url)
    # What is kept is kept until the record's next entry, so both counts are of a drawing made anew.
    published(incident, ada, ben)
    with django_assert_max_num_queries(30) as few:
        client.get(url)
    for number in range(6):
        component = factories.make_component(f"Part {number}")
        Dependency.objects.create(component=component, on_id=incident.component_states.first().component_id)
        actions.set_component_state(incident=incident, component=component, state="outage", by=ada, now=NOW)
        published(incident, ada, ben)

    with django_assert_max_num_queries(len(few)):
        assert client.get(url).status_code == 200


# Pictures


def size_of(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


def test_pictures_are_served_to_who_may_see_the_incident_and_304_the_second_time(ada, cleo, incident, browse):
    for name in ("timeline", "diagram"):
        url = f"/incidents/{incident.ref}/{name}.png"
        answer = browse(ada, url)

        assert answer["Content-Type"] == "image/png" and min(size_of(answer.content)) > 200
        again = sign_in(ada).get(url, headers={"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert browse(cleo, url).status_code == 404


def test_a_picture_is_twice_as_large_as_laid_out(ada):
    picture = pictures.picture(timeline.draw(drawn.under_way()), "Heading", "Caption")

    assert size_of(picture.png()) == (2 * picture.width, 2 * picture.height)


def test_a_picture_is_made_once(ada, monkeypatch):
    made = []
    monkeypatch.setattr(pictures, "_render", lambda picture: made.append(1) or b"png")

    for _ in range(2):
        pictures.picture(diagram.draw(examples.components()), "Made once", "Caption").png()

    assert made == [1]


def test_pictures_have_the_pages_colours_and_no_names_of_colours_left():
    sheet = pictures.style_sheet()

    assert "var(" not in sheet and "light-dark" not in sheet
    assert f".cc-svg .t-crit{{fill: {pictures.colours()['crit']};" in sheet
    assert pictures.colours()["ink"] == "#11181d" and pictures.colours("dark")["ink"] == "#e8edf0"


def test_every_class_that_is_drawn_has_a_rule():
    sheet = pictures.style_sheet()
    bodies = [timeline.draw(scene()).body for scene in (drawn.under_way, drawn.over_weeks, drawn.huge)]
    bodies.append(diagram.draw(examples.components()).body)

    looks = {name for body in bodies for name in re.findall(r'class="([^"]+)"', body)}
    assert {name for name in looks if f".cc-svg .{name}{{" not in sheet} == set()


def luminance(colour):
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("side", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "sunken"), ("brand", "brand-tint"), ("crit", "crit-tint"), ("warn", "warn-tint"), ("on-brand", "brand"),
        ("ink-3", "canvas"), ("ink-2", "canvas"), ("surface", "ink-2"), ("ink-3", "surface"), ("warn", "canvas"),
    ],
)  # fmt: skip
def test_texts_can_be_read_on_what_they_stand_on_in_both_modes(side, text, ground):
    colours = pictures.colours(side)
    light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)

    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_what_was_typed_is_inert_in_svg_and_png_I6(ada, browse):
    component = factories.make_component(BAD)
    incident = factories.make_incident(ada, title=BAD, components={component.pk: "outage"})

    page = text_of(browse(ada, f"/incidents/{incident.ref}/"))
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    for name in ("timeline", "diagram"):
        assert size_of(browse(ada, f"/incidents/{incident.ref}/{name}.png").content)
    assert "<script>alert" not in pictures.picture(timeline.draw(drawn.quiet()), BAD, BAD).svg


# For readers outside


def test_a_public_picture_shows_released_things_only(ada, ben, incident, browse):
    hidden = factories.make_component("Inner vault")
    actions.set_component_state(incident=incident, component=hidden, state="outage", by=ada, now=NOW)
    published(incident, ada, ben)
    ComponentState.objects.filter(component=hidden).update(released=False)
    actions.reach_milestone(incident=incident, kind="verified", by=ada, now=NOW)
    Deadline.objects.filter(incident=incident, kind="verify").update(state="missed")
    factories.make_message(incident, ada, kind="update", public_title="Not said yet")

    scene = scenes.public_scene(Incident.objects.get(pk=incident.pk), NOW + timedelta(seconds=1))

    assert [one.label for one in scene.sent] == ["Some card payments fail"] and scene.sent[0].reach == ""
    assert scene.phases == scene.milestones == scene.coming == [] and scene.found_at is None and scene.next_phase == ""
    assert [(one.label, one.state) for one in scene.promises] == [("Next update", "pending")]
    assert [one.component for one in scene.impacts] == ["Card payments"]
    everything = repr(scene) + timeline.draw(scene).alt + repr(neighbours.public_parts(incident))
    for secret in ("vault", "Secret inner", "verified", "Not said yet", "missed", "Ada", "INC-"):
        assert secret not in everything, secret


def test_a_promise_that_has_passed_is_not_drawn_as_missed_outside(ada, ben, incident):
    published(incident, ada, ben)

    assert scenes.public_scene(incident, NOW + timedelta(hours=3)).promises == []


@pytest.mark.parametrize("wall", [{"restricted": True}, {"is_exercise": True}])
def test_a_restricted_incident_and_an_exercise_have_no_picture_for_outside(ada, ben, incident, browse, wall):
    published(incident, ada, ben)
    assert browse(ada, f"/incidents/{incident.ref}/timeline.png?for=public").status_code == 200
    Incident.objects.filter(pk=incident.pk).update(**wall)
    incident.refresh_from_db()

    assert scenes.public_scene(incident, NOW) is None and neighbours.public_parts(incident) is None


def test_before_anything_is_published_there_is_nothing_to_show_outside(ada, incident, browse):
    assert browse(ada, f"/incidents/{incident.ref}/timeline.png?for=public").status_code == 404
    assert browse(ada, f"/incidents/{incident.ref}/diagram.png?for=public").status_code == 404

    page = text_of(browse(ada, f"/incidents/{incident.ref}/drawings/"))
    assert "Nothing has been published yet" in page and "never send it outside" in page


def test_another_incidents_hidden_trouble_does_not_show_in_the_diagram(ada, incident):
    beside = factories.make_component("Beside")
    Dependency.objects.create(component=beside, on_id=incident.component_states.first().component_id)
    other = factories.make_incident(ada, restricted=True, components={beside.pk: "outage"})

    states = {part.name: part.state for part in neighbours.team_parts(incident).parts}

    assert other.restricted and states == {"Card payments": "partial", "Beside": "working"}


def test_the_copy_page_gives_each_picture_with_its_text(ada, ben, incident, browse):
    published(incident, ada, ben)
    page = text_of(browse(ada, f"/incidents/{incident.ref}/drawings/"))

    for words in (
        "timeline.png?for=public",
        "diagram.png?for=public",
        'download="INC-1-timeline-internal.png"',
        "data-cc-copy",
    ):
        assert words in page, words
    assert page.count("<img ") == page.count(' alt="') == 4


# Entries


def test_entries_are_narrowed_by_kind_and_the_live_region_keeps_it(ada, incident, browse):
    factories.make_message(incident, ada)
    base = f"/incidents/{incident.ref}"

    messages = text_of(browse(ada, f"{base}/timeline/?kind=messages", htmx=True))
    decisions = text_of(browse(ada, f"{base}/timeline/?kind=decisions", htmx=True))

    assert "draft started" in messages and "Declared:" not in messages
    assert "Declared:" in decisions and "draft started" not in decisions
    assert f'hx-get="{base}/timeline/?kind=messages" hx-trigger' in messages
    assert re.search(r'aria-current="true">Messages<', messages)


def test_every_verb_of_the_product_that_has_a_kind_is_found_under_it():
    from desk.queries import ENTRY_KINDS

    sources = "".join(
        path.read_text()
        for house in ("incidents", "messaging", "delivery")
        for path in (settings.BASE_DIR / house).rglob("*.py")
    )
    verbs = set(re.findall(r'verb=f?"([a-z]+\.)', sources))
    prefixes = {prefix for _, found in ENTRY_KINDS.values() for prefix in found}

    assert {"message.", "incident.", "component.", "deadline.", "dispatch."} <= verbs & prefixes


def test_older_entries_are_a_page_away_without_a_script(ada, incident, browse):
    for turn in range(20):
        state = "outage" if turn % 2 else "degraded"
        component = incident.component_states.first().component
        actions.set_component_state(incident=incident, component=component, state=state, by=ada, now=NOW)
    url, seen = f"/incidents/{incident.ref}/?kind=facts", []

    while url:
        page = text_of(browse(ada, url))
        found = re.search(r'<div id="timeline".*?</section>', page, re.DOTALL).group(0)
        seen.append(found.count("cc-entry"))
        older = re.search(r'href="([^"]*)"[^>]*>Older<', found)
        url = older and older.group(1).replace("&amp;", "&").split("#")[0]

    facts = AuditEvent.objects.filter(chain=incident.ref, verb__regex=r"^(component|fact)\.").count()
    assert sum(seen) == facts and seen[0] == 15 and "hx-trigger" not in found


@pytest.mark.parametrize(
    "query", ["kind=nonsense", "before=x", "before=-1", "before=99999999999999999999", "before=²", "kind=%00"]
)
def test_entries_asked_for_wrongly_are_as_if_not_asked(ada, incident, query):
    client = Client()
    client.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")

    assert client.get(f"/incidents/{incident.ref}/timeline/?{query}").status_code in (200, 400)


def test_the_kit_shows_the_drawings(olga, browse):
    page = text_of(browse(olga, "/kit/"))

    assert page.count('class="cc-svg cc-svg-line"') == 3 and 'class="tear"' in page and 'class="d-half"' in page
