"""What can be found in this house: incidents, and for administrators the products and their parts."""

from collections.abc import Iterable

from django.db.models import Q
from django.urls import reverse

from crisiscomms.search import HITS, Asked, Hit, Source, holding, register
from incidents.access import may
from incidents.models import CompetitorReaction, Component, Fact, Incident, OutwardActivity, Product


def _incidents(asked: Asked) -> list[Hit]:
    seen = Incident.objects.visible_to(asked.by)
    by_words = holding(asked, Incident.objects.all(), "title", "summary").values("pk")
    found = seen.filter(Q(number=asked.number) | Q(pk__in=by_words)) if asked.number else seen.filter(pk__in=by_words)
    # The one whose number was typed comes first, then the newest.
    newest = sorted(found.order_by("-number")[:HITS], key=lambda one: one.number != asked.number)
    if asked.number and all(one.number != asked.number for one in newest):
        newest = [*seen.filter(number=asked.number), *newest]
    return [_hit(one) for one in newest]


def _hit(incident: Incident) -> Hit:
    marks = [word for word, is_so in (("restricted", incident.restricted), ("exercise", incident.is_exercise)) if is_so]
    detail = f"{incident.get_severity_display()}, {incident.get_phase_display().lower()}"
    url = reverse("desk:room", args=[incident.number])
    return Hit(f"{incident.ref} {incident.title}", detail, url, ", ".join(marks))


def _facts(asked: Asked) -> list[Hit]:
    """What is known of the incidents that this person sees; under an embargo for the workshop only."""
    by_words = holding(asked, Fact.objects.known(), "label", "value").values("pk")
    found = Fact.objects.visible_to(asked.by).filter(pk__in=by_words).select_related("incident")
    if not may(asked.by, "work"):
        found = found.free(asked.now)
    return [_fact(one) for one in found.order_by("-updated_at", "-pk")[:HITS]]


def _fact(fact: Fact) -> Hit:
    url = reverse("incidents:fact", args=[fact.incident.number, fact.pk])
    return Hit(f"{fact.label}: {fact.value}", f"{fact.incident.ref}, {fact.get_confidence_display().lower()}", url)


def _set_up(asked: Asked) -> Iterable[Hit]:
    """Only administrators have a page for them."""
    if not may(asked.by, "set_up"):
        return
    for product in holding(asked, Product.objects.all(), "name").order_by("position", "pk")[:HITS]:
        yield Hit(product.name, "Product", reverse("incidents:product", args=[product.pk]))
    parts = holding(asked, Component.objects.select_related("product"), "name", "description", "product__name")
    for part in parts.order_by("product__position", "position", "pk")[:HITS]:
        mark = "" if part.retired_at is None else "no longer in use"
        yield Hit(part.name, f"Part of {part.product}", reverse("incidents:component_setup", args=[part.pk]), mark)


def _outward(asked: Asked) -> Iterable[Hit]:
    """What goes out by itself is the workshop's; a competitor's reaction is seen by whoever sees its incident."""
    if not may(asked.by, "work"):
        return
    for one in holding(asked, OutwardActivity.objects.all(), "name", "place").order_by("name", "pk")[:HITS]:
        mark = "" if one.is_active else "not active"
        yield Hit(one.name, one.get_kind_display(), reverse("incidents:outward_activity", args=[one.pk]), mark)
    seen = CompetitorReaction.objects.filter(incident__in=Incident.objects.visible_to(asked.by))
    for row in holding(asked, seen.select_related("incident"), "competitor", "what").order_by("-pk")[:HITS]:
        url = reverse("incidents:competitor", args=[row.incident.number, row.pk])
        yield Hit(row.competitor, f"Reaction to {row.incident.ref}", url)


register(Source(10, "incidents", "Incidents", _incidents))
register(Source(15, "facts", "Facts", _facts))
register(Source(70, "products", "Products and parts", _set_up))
register(Source(65, "outward", "Outward", _outward))
