"""What load balancers, watchdogs and Prometheus ask."""

import hmac

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from crisiscomms import figures, health


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nothing of anything else."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, broker, workers, beat and due work: 503 when any of them is not well.

    How late each is tells strangers when an attack works, so it is for those who may read the figures.
    """
    found = health.look()
    data = found.as_data() if _may_read(request) else found.parts
    return JsonResponse(data, status=200 if found.is_ready else 503)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text. Without METRICS_TOKEN it exists on a local site only; a wrong token finds nothing here."""
    if not _may_read(request):
        raise Http404
    return HttpResponse(figures.text(), content_type=figures.CONTENT_TYPE)


def _may_read(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    if not token:
        return bool(settings.LOCAL)
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode())
