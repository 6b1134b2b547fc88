"""The formula's row asks for the job that computes all scores; meetings are found by time."""

from django.db import migrations, models

import pipedesk.core.models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0005_likeness_and_no_pointing_at_merged"),
    ]

    operations = [
        migrations.AddField(
            model_name="priorityformula",
            name="applied",
            field=models.PositiveBigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="priorityformula",
            name="attempts",
            field=models.PositiveSmallIntegerField(
                db_default=0, default=0, editable=False, verbose_name="attempts"
            ),
        ),
        migrations.AddField(
            model_name="priorityformula",
            name="dead_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="given up"
            ),
        ),
        migrations.AddField(
            model_name="priorityformula",
            name="last_error",
            field=models.TextField(
                blank=True, db_default="", default="", editable=False, verbose_name="last error"
            ),
        ),
        migrations.AddField(
            model_name="priorityformula",
            name="lease_gen",
            field=models.PositiveBigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="priorityformula",
            name="lease_until",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="priorityformula",
            name="next_attempt_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="next attempt"
            ),
        ),
        migrations.AddField(
            model_name="priorityformula",
            name="queued_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="priorityformula",
            name="requested",
            field=models.PositiveBigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name="leadactivitystats",
            index=pipedesk.core.models.Index(
                fields=["next_event_at"], name="idx_lead_activity_stats_next_event_at"
            ),
        ),
    ]
