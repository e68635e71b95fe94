"""How often one token may ask. Counted in Redis; without Redis nobody is locked out."""

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from crisiscomms.models import ApiToken
from crisiscomms.throttle import too_often

if TYPE_CHECKING:
    # DRF makes this class while it imports us by its settings.
    from rest_framework.views import APIView

WINDOW = 60


class ByToken(BaseThrottle):
    def allow_request(self, request: Request, view: "APIView") -> bool:
        self.left = WINDOW - int(request.now.timestamp()) % WINDOW
        if not isinstance(request.auth, ApiToken):
            return True
        limit = settings.API_REQUESTS_PER_MINUTE
        return not too_often("api", str(request.auth.pk), now=request.now, limit=limit, seconds=WINDOW)

    def wait(self) -> float:
        return self.left
