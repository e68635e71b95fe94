"""What was under way before clocks followed from rules: its last word, and what its deadlines were planned by.

Nothing new is asked of such an incident until somebody plans it anew on purpose (obligation_policy_version 0).
"""

from django.db import migrations


def tell_what_was(apps, schema_editor):
    Incident = apps.get_model("incidents", "Incident")
    Deadline = apps.get_model("incidents", "Deadline")
    for incident in Incident.objects.exclude(phase="closed"):
        Incident.objects.filter(pk=incident.pk).update(obligation_policy_version=0)
        mine = Deadline.objects.filter(incident=incident)
        for row in mine.filter(kind__in=["acknowledge", "update", "explanation"]):
            row.occasion = {"acknowledge": "discovered", "update": "declared"}.get(row.kind, "")
            if row.kind == "explanation" and incident.resolved_at:
                row.occasion = f"resolved {incident.resolved_at.isoformat(timespec='seconds')}"
            row.ruled_at = row.due_at
            row.save(update_fields=["occasion", "ruled_at"])
        _word(apps, incident, mine)


def _word(apps, incident, mine):
    reached = dict(incident.milestones.values_list("kind", "reached_at"))
    if "acknowledged" not in reached:
        return
    update = mine.filter(kind="update", state__in=["pending", "missed"]).first()
    said = [reached[kind] for kind in ("acknowledged", "verified", "root_cause", "mitigated", "resolved_told") if kind in reached]
    word = apps.get_model("incidents", "CustomerWord").objects.create(
        incident=incident,
        reference="before",
        at=max(said),
        promised_at=update.due_at if update else None,
        is_detailed=True,
        says_resolved="resolved_told" in reached,
    )
    if update:
        update.occasion = f"word-{word.pk}"
        update.save(update_fields=["occasion"])


class Migration(migrations.Migration):
    dependencies = [("incidents", "0016_record_documents_and_exports")]
    operations = [migrations.RunPython(tell_what_was, migrations.RunPython.noop, elidable=True)]
