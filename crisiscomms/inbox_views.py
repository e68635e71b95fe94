"""The local mail inbox of a newcomer's machine: what would have left. Never there in production."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from crisiscomms.embedded import inbox as store


@login_not_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "")[:100]
    mails = store.list_mails(200, query, folder=settings.LOCAL_INBOX_DIR)
    return render(request, "crisiscomms/inbox.html", {"mails": mails, "query": query})


def _read(name: str) -> store.Mail:
    try:
        return store.read_mail(name, folder=settings.LOCAL_INBOX_DIR)
    except store.MailNotFound:
        raise Http404 from None


@login_not_required
@require_safe
def mail(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "crisiscomms/inbox_mail.html", {"mail": _read(name), "name": name})


@login_not_required
@require_safe
@xframe_options_sameorigin
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML part alone, for the sandboxed frame: its own policy, nothing loaded, nothing run."""
    found = _read(name)
    if found.html is None:
        raise Http404
    response = HttpResponse('<base target="_top">' + found.html)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-top-navigation-by-user-activation"
    )
    response._csp_exempt = True  # type: ignore[attr-defined]
    return response
