"""What a token's scopes let it do. What its owner may see and do, the houses' `access` says, as for pages."""

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from crisiscomms.models import ApiToken

if TYPE_CHECKING:
    # DRF makes this class while it imports us by its settings.
    from rest_framework.views import APIView


class TokenScope(BasePermission):
    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.auth, ApiToken):
            return False
        needed = ApiToken.Scope.READ if request.method in SAFE_METHODS else ApiToken.Scope.WRITE
        if needed not in request.auth.scopes:
            raise PermissionDenied(f"This token has no scope “{needed}”. Make one that has it, under API tokens.")
        return True
