"""The OpenAPI description, made from the code, with the answers that every operation can give."""

import json
from functools import cache
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator

from crisiscomms.api.problems import MEDIA_TYPE

PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "For programs: does not change when the words do."},
        "detail": {"type": "string", "description": "For people: what is wrong and what to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "properties": {
                    "field": {"type": "string", "description": "Such as `components.0.state`; empty for the whole."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
ALWAYS = (400, 401, 403, 404, 405, 406, 429)
# What changes something can be refused as things stand, also where nothing is sent with it.
OF_AN_ACT = (409, 422)
WITH_A_BODY = (415,)


class BearerTokenSchema(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "crisiscomms.api.authentication.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token that you made under “API tokens”."}


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Postprocessing hook: every operation says in one line what it is for and can answer with a problem; bodies take
    no unknown names.
    """
    result["components"]["schemas"]["Problem"] = PROBLEM
    for operations in result["paths"].values():
        for method, operation in operations.items():
            operation.setdefault("summary", operation.get("description", "").split(". ")[0].strip(" ."))
            codes = ALWAYS + (() if method == "get" else OF_AN_ACT)
            codes += WITH_A_BODY if "requestBody" in operation else ()
            for code in codes:
                operation["responses"].setdefault(str(code), _problem(code))
    for name, component in result["components"]["schemas"].items():
        if name.endswith("Request"):
            component["additionalProperties"] = False
    return result


def _problem(code: int) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Problem"}
    return {"description": HTTPStatus(code).phrase, "content": {MEDIA_TYPE: {"schema": reference}}}


@cache
def document() -> bytes:
    """Made once per process: it follows from the code alone, and holds nothing of anybody."""
    return json.dumps(SchemaGenerator().get_schema(request=None, public=True), indent=1).encode()
