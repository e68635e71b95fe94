from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0006_spans_and_openings_of_what_is_there"),
    ]

    operations = [
        migrations.AlterField(model_name="incident", name="opened_at", field=models.DateTimeField()),
    ]
