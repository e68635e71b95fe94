"""The browsers that I told to remember me for approving: seen and taken back here."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from crisiscomms.signin.devices import in_words
from messaging import actions
from messaging.actions.proof import DEVICE_DAYS
from messaging.models import EnrolledDevice


@require_http_methods(["GET", "HEAD", "POST"])
def devices(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _revoke(request)
    oldest = request.now - timedelta(days=DEVICE_DAYS)
    living = EnrolledDevice.objects.filter(person=request.user, revoked_at=None, enrolled_at__gt=oldest)
    rows = [
        {"device": device, "words": in_words(device.label), "until": device.enrolled_at + timedelta(days=DEVICE_DAYS)}
        for device in living.order_by("-used_at")
    ]
    return render(request, "messaging/device_list.html", {"rows": rows})


def _revoke(request: HttpRequest) -> HttpResponse:
    keys = [int(key) for key in request.POST.getlist("device") if key.isascii() and key.isdigit() and len(key) < 10]
    if actions.revoke_devices(by=request.user, devices=keys, now=request.now):
        messages.success(request, "Taken back. That device has to prove again who you are.")
    else:
        messages.info(request, "Nothing to take back: it was not remembered any more.")
    return redirect("messaging:devices")
