from django.db import migrations

# Whoever leads an incident holds the role of it. What was imported was led by nobody here.
LEADS = """
    INSERT INTO incidents_roleassignment (incident_id, role, person_id, began_at, ended_at, note, by_id, ended_by_id)
    SELECT i.id, 'incident_lead', i.lead_id, LEAST(COALESCE(i.declared_at, i.opened_at), i.closed_at), i.closed_at,
           '', NULL, NULL
    FROM incidents_incident i
    WHERE NOT EXISTS (SELECT 1 FROM incidents_importedincident o WHERE o.incident_id = i.id)
      AND NOT EXISTS (
          SELECT 1 FROM incidents_roleassignment r WHERE r.incident_id = i.id AND r.role = 'incident_lead'
      )
"""


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0010_team_roles_and_duty'),
    ]

    operations = [
        migrations.RunSQL(LEADS, migrations.RunSQL.noop),
    ]
