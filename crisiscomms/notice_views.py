"""The bell and its page: each person sees their own notices only."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from crisiscomms import bell, presence
from crisiscomms.models import Notice

BIGGEST = 999_999_999


@require_safe
def notices_page(request: HttpRequest) -> HttpResponse:
    before = _number(request.GET.get("before", ""))
    page = bell.page(request.user, now=request.now, before=before)
    context = {"page": page, "is_first": not before, "newest": page.lines[0].notice.pk if page.lines else 0}
    return render(request, "crisiscomms/notice_list.html", context)


@require_safe
def bell_count(request: HttpRequest) -> HttpResponse:
    """The bell, with who else is on the page it stands on; or 304 when the reader has both already."""
    unread, page = bell.unread(request.user), request.GET.get("page", "")
    here = presence.look(page, by=request.user, now=request.now, is_writing="writing" in request.GET) if page else None
    if request.headers.get("If-None-Match") == (f"{unread}-{here.mark}" if here else str(unread)):
        return HttpResponse(status=304)
    place = "phone" if request.GET.get("place") == "phone" else "top"
    context = {"unread": unread, "place": place, "here": here, "is_extra": bool(page)}
    return render(request, "crisiscomms/bell.html", context)


@require_safe
def open_notice(request: HttpRequest, notice_id: int) -> HttpResponse:
    """Following a notice is reading it: no press of its own for that."""
    try:
        mail = bell.open_one(notice_id, by=request.user, now=request.now)
    except Notice.DoesNotExist:
        raise Http404 from None
    if mail is None or not mail.link.startswith(f"{settings.BASE_URL}/"):
        messages.info(request, "That is no longer needed." if mail is None else "There is nothing more to read there.")
        return redirect("notices")
    return redirect(mail.link.removeprefix(settings.BASE_URL))


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    bell.read_all(up_to=_number(request.POST.get("up_to", "")), by=request.user, now=request.now)
    return redirect("notices")


def _number(typed: str) -> int:
    """A key from an address or a form; 0 for anything else."""
    return min(int(typed), BIGGEST) if typed.isascii() and typed.isdigit() and len(typed) < 20 else 0
