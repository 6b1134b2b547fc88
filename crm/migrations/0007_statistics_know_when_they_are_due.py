"""Statistics know when the clock alone makes them wrong."""

from django.db import migrations, models

import pipedesk.core.models


class Migration(migrations.Migration):
    dependencies = [("crm", "0006_work_of_the_formula_and_meetings_by_time")]

    operations = [
        migrations.AddField(
            model_name="leadactivitystats",
            name="stale_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="due again"
            ),
        ),
        migrations.AddIndex(
            model_name="leadactivitystats",
            index=pipedesk.core.models.Index(
                fields=["stale_at"], name="idx_lead_activity_stats_stale_at"
            ),
        ),
    ]
