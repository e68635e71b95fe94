"""The drawings of an incident: in the room, as a table, and as pictures for mail."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from crisiscomms.live import live
from desk import kept
from desk.drawings import diagram, neighbours, pictures, scenes, timeline, words
from desk.drawings.drawing import Drawing
from desk.drawings.pictures import Picture
from incidents import access
from incidents.models import Incident

PUBLIC = "public"


def for_room(incident: Incident, now: datetime) -> dict[str, Any]:
    """Both drawings as the room shows them: a constant number of queries. Kept per zone, as times stand in them."""
    zone = timezone.get_current_timezone_name()
    found: dict[str, Any] = kept.as_it_stands(f"drawn:{zone}", incident, now, lambda: _drawn(incident, now))
    return found


def _drawn(incident: Incident, now: datetime) -> dict[str, Any]:
    scene, parts = scenes.team_scene(incident, now), neighbours.team_parts(incident)
    return {
        "timeline": timeline.draw(scene),
        "diagram": diagram.draw(parts) if parts.parts else None,
        "parts": neighbours.listed(parts),
    }


@require_GET
def drawings_live(request: HttpRequest, number: int) -> HttpResponse:
    incident = access.get_incident(request.user, number)
    context = {"incident": incident, "drawn": for_room(incident, request.now)}
    return live(request, "desk/room_drawings.html", context)


@require_GET
def timeline_table(request: HttpRequest, number: int) -> HttpResponse:
    """What the drawn timeline shows, as a table."""
    incident = access.get_incident(request.user, number)
    scene = scenes.team_scene(incident, request.now)
    lines = words.table(scene)
    more = max(0, len(lines) - words.SHOWN_ROWS)
    context = {"incident": incident, "lines": lines[more:], "more": more, "left_out": scene.left_out}
    return render(request, "desk/timeline_table.html", context)


@require_GET
def copy_page(request: HttpRequest, number: int) -> HttpResponse:
    """Both pictures with their alternative texts: those that may leave first, then those for the team."""
    incident = access.get_incident(request.user, number)
    makers = {"timeline": _timeline_picture, "diagram": _diagram_picture}
    groups = [
        {"public": is_public, "pictures": [_shown(name, make, incident, request.now, is_public)
                                           for name, make in makers.items()]}
        for is_public in (True, False)
    ]  # fmt: skip
    return render(request, "desk/drawings_copy.html", {"incident": incident, "groups": groups})


def _shown(
    name: str, make: Callable[..., Picture | None], incident: Incident, now: datetime, is_public: bool
) -> dict[str, Any]:
    picture = make(incident, now, is_public)
    url = reverse(f"desk:{name}_png", args=[incident.number]) + (f"?for={PUBLIC}" if is_public else "")
    file = f"{incident.ref}-{name}{'' if is_public else '-internal'}.png"
    return {"name": name, "picture": picture, "url": url, "file": file, "id": f"{name}-{is_public}"}


@require_GET
def timeline_png(request: HttpRequest, number: int) -> HttpResponse:
    return _png(request, number, _timeline_picture)


@require_GET
def diagram_png(request: HttpRequest, number: int) -> HttpResponse:
    return _png(request, number, _diagram_picture)


def _png(request: HttpRequest, number: int, make: Callable[..., Picture | None]) -> HttpResponse:
    """The picture, 304 for who has it, 404 where there is nothing to show for whom it is."""
    incident = access.get_incident(request.user, number)
    picture = make(incident, request.now, request.GET.get("for") == PUBLIC)
    if picture is None:
        raise Http404
    etag = f'"{picture.digest}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304)
    return HttpResponse(
        picture.png(), content_type="image/png", headers={"ETag": etag, "Cache-Control": "private, no-cache"}
    )


def _timeline_picture(incident: Incident, now: datetime, is_public: bool) -> Picture | None:
    scene = scenes.public_scene(incident, now) if is_public else scenes.team_scene(incident, now)
    if scene is None:
        return None
    drawing: Drawing = timeline.draw(scene)
    return pictures.picture(drawing, scene.name if is_public else f"{incident.ref} {incident.title}", drawing.span)


def _diagram_picture(incident: Incident, now: datetime, is_public: bool) -> Picture | None:
    parts = neighbours.public_parts(incident) if is_public else neighbours.team_parts(incident)
    if parts is None or not parts.parts:
        return None
    return pictures.picture(diagram.draw(parts), parts.name, "Left is what customers touch")
