"""Anchors of the record outside, for administrators: where they go, and whether they got out."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from incidents import access
from incidents.models import AnchorMail
from incidents.record import anchors as outside

SHOWN = 30


@require_safe
def anchors(request: HttpRequest) -> HttpResponse:
    access.page(request.user, "set_up")
    context = {
        "standings": outside.standings(request.now),
        "mails": AnchorMail.objects.select_related("anchor")[:SHOWN],
        "hours": int(outside.every().total_seconds() // 3600),
    }
    return render(request, "incidents/anchor_list.html", context)
