"""Installations keep the policy they have: the period of the monitoring log is added to it as a new version."""

from django.db import migrations

NEW = {"mentions_days": 365}


def add(apps, schema_editor):
    policies = apps.get_model("crisiscomms", "Policy").objects.filter(key="retention").order_by("-version")
    last = policies.first()
    if last is not None and "mentions_days" not in last.data:
        policies.create(
            key="retention",
            version=last.version + 1,
            data={**last.data, **NEW},
            changed_by=None,
            # Of the same moment as what it continues: nobody decided anything anew.
            changed_at=last.changed_at,
            reason="How long names in the monitoring log stay came with this release.",
        )


def take_back(apps, schema_editor):
    """The release before knows no such entry and would refuse to show the policy."""
    policies = apps.get_model("crisiscomms", "Policy").objects.filter(key="retention").order_by("-version")
    last = policies.first()
    if last is not None and "mentions_days" in last.data:
        kept = {name: value for name, value in last.data.items() if name not in NEW}
        policies.create(
            key="retention", version=last.version + 1, data=kept, changed_by=None, changed_at=last.changed_at,
            reason="The release was taken back.",
        )


class Migration(migrations.Migration):
    dependencies = [
        ("crisiscomms", "0008_token_scopes_per_house"),
        ("incidents", "0017_clocks_of_before"),
    ]

    operations = [migrations.RunPython(add, take_back)]
