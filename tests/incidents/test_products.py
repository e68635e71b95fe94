"""Products and their parts: set up by administrators only, never in a circle, never retired while they are hit."""

import pytest

from crisiscomms.refusal import NotAllowed, Refused
from incidents import actions
from incidents.models import Component
from tests import factories
from tests.conftest import NOW


@pytest.fixture
def parts(policies):
    return [factories.make_component(name) for name in ("Checkout", "Payments", "Ledger")]


def change(component, by, needs=(), **fields):
    values = {"name": component.name, "description": "", "is_public": True, **fields}
    return actions.change_component(component_id=component.pk, needs=list(needs), by=by, now=NOW, **values)


def test_only_who_sets_up_changes_what_customers_use(parts, ada):
    part = parts[0]
    acts = [
        lambda: actions.add_product(name="Reports", by=ada, now=NOW),
        lambda: actions.rename_product(product_id=part.product_id, name="Reports", by=ada, now=NOW),
        lambda: actions.add_component(product=part.product, name="Search", by=ada, now=NOW),
        lambda: change(part, ada),
        lambda: actions.retire_component(component_id=part.pk, by=ada, now=NOW),
        lambda: actions.restore_component(component_id=part.pk, by=ada, now=NOW),
    ]

    for act in acts:
        with pytest.raises(NotAllowed):
            act()


def test_parts_do_not_need_each_other_in_a_circle(parts, olga):
    checkout, payments, ledger = parts
    change(checkout, olga, [payments])
    change(payments, olga, [ledger])

    for one, needs in ((ledger, [checkout]), (ledger, [ledger]), (payments, [checkout])):
        with pytest.raises(Refused, match=f"{needs[0].name} needs {one.name} already"):
            change(one, olga, needs)


def test_what_an_incident_hits_is_retired_when_that_is_over(parts, ada, olga):
    incident = factories.make_incident(ada)
    actions.set_component_state(incident=incident, component=parts[0], state="degraded", by=ada, now=NOW)

    with pytest.raises(Refused, match=f"{incident.ref} affects Checkout right now"):
        actions.retire_component(component_id=parts[0].pk, by=olga, now=NOW)
    actions.set_component_state(incident=incident, component=parts[0], state="working", by=ada, now=NOW)
    actions.retire_component(component_id=parts[0].pk, by=olga, now=NOW)
    assert Component.objects.get(pk=parts[0].pk).retired_at == NOW

    actions.restore_component(component_id=parts[0].pk, by=olga, now=NOW)
    assert Component.objects.get(pk=parts[0].pk).retired_at is None


def test_names_are_taken_once(parts, olga):
    product = parts[0].product
    other = actions.add_product(name="Reports", by=olga, now=NOW)

    for act in (
        lambda: actions.add_product(name=" Reports ", by=olga, now=NOW),
        lambda: actions.rename_product(product_id=other.pk, name=product.name, by=olga, now=NOW),
        lambda: actions.add_component(product=product, name=parts[0].name, by=olga, now=NOW),
    ):
        with pytest.raises(Refused, match="of this name already"):
            act()
