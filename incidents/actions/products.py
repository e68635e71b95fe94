"""What customers use: products, their parts, and which part needs which."""

from datetime import datetime

from django.db import IntegrityError, transaction

from crisiscomms import audit
from crisiscomms.models import User
from crisiscomms.refusal import Refused
from incidents import access
from incidents.models import Component, Dependency, Product


@transaction.atomic
def add_product(*, name: str, by: User, now: datetime) -> Product:
    """Raises Refused for a name that is taken."""
    access.require(by, "set_up")
    try:
        with transaction.atomic():
            product = Product.objects.create(name=name.strip(), position=Product.objects.count())
    except IntegrityError:
        raise Refused("There is a product of this name already.") from None
    _say("product.added", f"product:{product.pk}", f"Product {product.name} added", by, now)
    return product


@transaction.atomic
def rename_product(*, product_id: int, name: str, by: User, now: datetime) -> Product:
    access.require(by, "set_up")
    product = Product.objects.select_for_update().get(pk=product_id)
    before, product.name = product.name, name.strip()
    try:
        with transaction.atomic():
            product.save(update_fields=["name"])
    except IntegrityError:
        raise Refused("There is a product of this name already.") from None
    if before != product.name:
        _say("product.renamed", f"product:{product.pk}", f"Product {before} is called {product.name} now", by, now)
    return product


@transaction.atomic
def add_component(*, product: Product, name: str, by: User, now: datetime) -> Component:
    """Raises Refused for a name that the product has already."""
    access.require(by, "set_up")
    try:
        with transaction.atomic():
            component = Component.objects.create(
                product=product, name=name.strip(), position=product.components.count()
            )
    except IntegrityError:
        raise Refused(f"{product.name} has a part of this name already.") from None
    _say("component.added", f"component:{component.pk}", f"{component.name} of {product.name} added", by, now)
    return component


@transaction.atomic
def change_component(
    *,
    component_id: int,
    name: str,
    description: str,
    is_public: bool,
    needs: list[Component],
    by: User,
    now: datetime,
) -> Component:
    """Name, words, whether the public sees it, and what it needs. Refuses parts that need each other in a circle."""
    access.require(by, "set_up")
    # One at a time: two changes that are right each could make a circle together.
    list(Product.objects.select_for_update().order_by("pk"))
    component = Component.objects.select_for_update(of=("self",)).select_related("product").get(pk=component_id)
    wanted = {one.pk: one for one in needs}
    for one in needs:
        if component.pk in _everything_needed(one.pk):
            raise Refused(f"{one.name} needs {component.name} already, so {component.name} cannot need it.")
    component.name, component.description, component.is_public = name.strip(), description.strip(), is_public
    try:
        with transaction.atomic():
            component.save(update_fields=["name", "description", "is_public"])
    except IntegrityError:
        raise Refused(f"{component.product.name} has a part of this name already.") from None
    component.needs.exclude(on__in=wanted).delete()
    have = set(component.needs.values_list("on", flat=True))
    Dependency.objects.bulk_create([Dependency(component=component, on=wanted[pk]) for pk in wanted if pk not in have])
    words = ", ".join(sorted(one.name for one in needs)) or "nothing"
    seen = "on the status page" if is_public else "not on the status page"
    _say("component.set_up", f"component:{component.pk}", f"{component.name}: {seen}, needs {words}", by, now)
    return component


@transaction.atomic
def retire_component(*, component_id: int, by: User, now: datetime) -> Component:
    """Out of use: it stays in what was, and nothing new can affect it. Refused while an incident affects it."""
    access.require(by, "set_up")
    component = Component.objects.select_for_update().get(pk=component_id)
    affected = component.states.open().select_related("incident").first()
    if affected is not None:
        raise Refused(f"{affected.incident.ref} affects {component.name} right now. Retire it when that is over.")
    if component.retired_at is None:
        component.retired_at = now
        component.save(update_fields=["retired_at"])
        _say("component.retired", f"component:{component.pk}", f"{component.name} is out of use", by, now)
    return component


@transaction.atomic
def restore_component(*, component_id: int, by: User, now: datetime) -> Component:
    access.require(by, "set_up")
    component = Component.objects.select_for_update().get(pk=component_id)
    if component.retired_at is not None:
        component.retired_at = None
        component.save(update_fields=["retired_at"])
        _say("component.restored", f"component:{component.pk}", f"{component.name} is in use again", by, now)
    return component


def _everything_needed(component_id: int) -> set[int]:
    """The part itself and all that it needs, directly or through others."""
    needs: dict[int, list[int]] = {}
    for one, on in Dependency.objects.values_list("component", "on"):
        needs.setdefault(one, []).append(on)
    found, look = set(), [component_id]
    while look:
        pk = look.pop()
        if pk not in found:
            found.add(pk)
            look += needs.get(pk, [])
    return found


def _say(verb: str, subject: str, text: str, by: User, now: datetime) -> None:
    audit.record(chain=audit.INSTALLATION, verb=verb, subject=subject, text=text, by=by, now=now)
