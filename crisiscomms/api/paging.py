"""Lists by key: the next page begins after the last row seen, so nothing is shown twice or left out by an insert."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Model
from rest_framework.exceptions import ParseError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from crisiscomms.keyset import beyond, turned

USUAL, MOST = 50, 200
LINK = {"type": "string", "format": "uri", "nullable": True}


class Keyset(BasePagination):
    """Pages a list by the view's `order`: columns that are never null, the last of them unique.

    A cursor is signed and good for its own list only. It holds a place, not a right: the list is asked anew each time.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self.request = request
        self.order: Sequence[str] = view.order
        self.limit = _limit(request)
        is_back, values = self._cursor()
        order = [turned(name) for name in self.order] if is_back else self.order
        found = queryset.order_by(*order)
        if values is not None:
            found = found.filter(beyond(order, values))
        rows = list(found[: self.limit + 1])
        more = len(rows) > self.limit
        rows = rows[: self.limit]
        if is_back:
            rows.reverse()
        self.rows = rows
        self.has_next = more or is_back
        self.has_previous = (more and is_back) or (values is not None and not is_back)
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "next": self._link(self.rows[-1:], is_back=False) if self.has_next else None,
                "previous": self._link(self.rows[:1], is_back=True) if self.has_previous else None,
                "results": data,
            }
        )

    def _cursor(self) -> tuple[bool, list[Any] | None]:
        text = self.request.query_params.get("cursor")
        if text is None:
            return False, None
        try:
            is_back, *values = signing.loads(text, salt=self._salt())
        except signing.BadSignature:
            raise ParseError("This cursor is not one of this list. Begin again without it.") from None
        return bool(is_back), values

    def _link(self, row: list[Model], *, is_back: bool) -> str | None:
        if not row:
            return None
        values = [_plain(getattr(row[0], name.lstrip("-"))) for name in self.order]
        cursor = signing.dumps([is_back, *values], salt=self._salt())
        return replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)

    def _salt(self) -> str:
        return f"api cursor {self.request.path} {','.join(self.order)}"

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": LINK, "previous": LINK, "results": schema},
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
        return [
            {"name": "limit", "in": "query", "schema": limit, "description": "How many rows a page has."},
            {
                "name": "cursor",
                "in": "query",
                "schema": {"type": "string"},
                "description": "Where the page begins: from `next` or `previous` of another page of this list.",
            },
        ]


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(USUAL))
    if not re.fullmatch("[0-9]{1,3}", text, re.ASCII) or not 1 <= int(text) <= MOST:
        raise ParseError(f"limit is a whole number from 1 to {MOST}.")
    return int(text)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
