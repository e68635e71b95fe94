"""Typed filters: a value that no filter takes is refused with its name, never quietly left out."""

from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.views import APIView

from crisiscomms.api.fields import parsed
from crisiscomms.api.problems import BadQuery

PAGING = {"limit", "cursor"}


class TypedFilters(DjangoFilterBackend):
    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> Any:
        asked = self.get_filterset(request, queryset, view)
        if asked is None:
            return queryset
        if not asked.is_valid():
            # Not by the library's own translation: it fails on a per cent sign in a sentence.
            wrong = asked.form.errors.as_data()
            raise BadQuery(
                {
                    name: [ErrorDetail(e.messages[0], e.code or "invalid") for e in found]
                    for name, found in wrong.items()
                }
            )
        refuse_empty(request, asked)
        return asked.qs


def refuse_unknown(request: Request, view: APIView) -> None:
    """A misspelt filter would otherwise answer with everything."""
    filters = getattr(view, "filterset_class", None)
    known = set(filters.base_filters) if filters else set()
    if getattr(view, "order", None):
        known |= PAGING
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        offered = f"Known here: {', '.join(sorted(known))}." if known else "This address takes none."
        raise BadQuery({name[:80]: f"There is no parameter of this name. {offered}" for name in unknown[:20]})


def refuse_empty(request: Request, asked: django_filters.FilterSet) -> None:
    """`?phase=` is a program whose variable was empty: it does not mean everything."""
    typed = (name for name, one in asked.filters.items() if not isinstance(one, django_filters.CharFilter))
    empty = [name for name in typed if request.query_params.get(name) == ""]
    if empty:
        raise BadQuery(dict.fromkeys(empty, "This is empty. Give a value, or leave it out."))


class MomentField(forms.CharField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        moment: datetime | None = parsed(text)
        if moment is None or moment.tzinfo is None:
            raise forms.ValidationError("Give a moment with its offset: 2026-11-17T13:09:00Z, or +01:00 as %2B01:00.")
        if not 2000 <= moment.year <= 2100:
            raise forms.ValidationError("This year cannot be meant. Check the date.")
        return moment


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(django_filters.Filter):
    field_class = MomentField


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": 999_999_999})
class Key(django_filters.Filter):
    """The id of something: a whole number that fits a database key."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=999_999_999, **kwargs)


def yes_or_no(**kwargs: Any) -> django_filters.Filter:
    words = [("true", "true"), ("false", "false")]
    made = django_filters.TypedChoiceFilter(choices=words, coerce=lambda word: word == "true", **kwargs)
    return extend_schema_field(OpenApiTypes.BOOL)(made)
