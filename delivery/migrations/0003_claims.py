"""What a worker holds is written in one row per batch, no longer in each mail's row."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# Two claims for each dispatch under way: what was on the wire, and what was not.
TO_CLAIMS = """
    INSERT INTO delivery_claim (dispatch_id, ids, lease_until, begun_upto, sent_upto)
    SELECT dispatch_id, array_agg(id), max(lease_until), max(CASE WHEN on_wire_at IS NULL THEN 0 ELSE id END), 0
    FROM delivery_notification WHERE state = 'claimed' GROUP BY dispatch_id, on_wire_at IS NULL;
    UPDATE delivery_notification n SET claim_id = c.id FROM delivery_claim c
    WHERE n.state = 'claimed' AND n.id = ANY(c.ids);
    SET CONSTRAINTS ALL IMMEDIATE;
"""
TO_ROWS = """
    UPDATE delivery_notification n SET lease_until = c.lease_until,
        on_wire_at = CASE WHEN n.id <= c.begun_upto THEN c.lease_until END
    FROM delivery_claim c WHERE n.claim_id = c.id AND n.state = 'claimed';
    DELETE FROM delivery_claim;
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0002_initial")]

    operations = [
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("lease_until", models.DateTimeField()),
                ("begun_upto", models.BigIntegerField(default=0)),
                ("sent_upto", models.BigIntegerField(default=0)),
                (
                    "dispatch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="delivery.dispatch",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="notification",
            name="claim",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="delivery.claim",
            ),
        ),
        migrations.RunSQL(TO_CLAIMS, TO_ROWS),
        migrations.RemoveConstraint(model_name="notification", name="notification_claimed_has_a_lease"),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "claimed"), _negated=True), ("claim__isnull", False), _connector="OR"
                ),
                name="notification_claimed_is_of_a_claim",
            ),
        ),
        migrations.RemoveIndex(model_name="notification", name="notification_claimed"),
        migrations.RemoveField(model_name="notification", name="lease_until"),
        migrations.RemoveField(model_name="notification", name="on_wire_at"),
    ]
