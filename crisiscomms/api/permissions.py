"""What a token's scopes let it do. What its owner may see and do, the houses' `access` says, as for pages."""

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from crisiscomms.models import ApiToken

if TYPE_CHECKING:
    # DRF makes this class while it imports us by its settings.
    from rest_framework.views import APIView


# The package that a resource stands in → its house in the names of scopes.
HOUSES = {
    "incidents": "incidents",
    "stakeholders": "stakeholders",
    "messaging": "messages",
    "delivery": "delivery",
    "recovery": "recovery",
}
# Who I am, and the list of lists: nobody's house, open to each token that may do the like anywhere.
OWN = "crisiscomms"


class TokenScope(BasePermission):
    def has_permission(self, request: Request, view: "APIView") -> bool:
        token = request.auth
        if not isinstance(token, ApiToken):
            return False
        verb = "read" if request.method in SAFE_METHODS else "write"
        package = type(view).__module__.partition(".")[0]
        if package == OWN and any(scope.rpartition(":")[2] == verb for scope in token.scopes):
            return True
        house = HOUSES.get(package, "")
        if house and token.may(house, verb):
            return True
        needed = f"{house}:{verb}" if house else verb
        raise PermissionDenied(f"This token has no scope “{needed}”. Make one that has it, under API tokens.")
