"""Priorities set by hand, merges, the score's formula, and facts database clients write."""

import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import pipedesk.core.models


def recreate_index(apps, editor):
    """SQLite makes a table anew to constrain it, and knows only the models' own indexes."""
    if editor.connection.vendor == "sqlite":
        editor.execute(
            "CREATE INDEX IF NOT EXISTS idx_leads_open_last_interaction"
            " ON leads (last_interaction_at DESC, id)"
            " WHERE deleted_at IS NULL AND qualified_at IS NULL"
        )


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0002_fold_and_sort_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, recreate_index),
        migrations.CreateModel(
            name="Announcement",
            fields=[
                (
                    "id",
                    models.AutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="created",
                    ),
                ),
                (
                    "fact",
                    models.CharField(
                        choices=[("created", "Created"), ("qualified", "Qualified")], max_length=20
                    ),
                ),
                ("entity_type", models.CharField(max_length=20)),
                ("entity_id", models.UUIDField()),
                ("user_id", models.CharField(blank=True, max_length=36, null=True)),
            ],
            options={
                "verbose_name": "announcement",
                "verbose_name_plural": "announcements",
                "db_table": "crm_announcements",
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="Merge",
            fields=[
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="created",
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("entity_type", models.CharField(max_length=20, verbose_name="entity type")),
                ("kept_id", models.UUIDField(verbose_name="kept")),
                ("merged_id", models.UUIDField(verbose_name="merged")),
                (
                    "user_id",
                    models.CharField(blank=True, max_length=36, null=True, verbose_name="user id"),
                ),
                ("moved", models.JSONField(default=dict, verbose_name="what moved")),
                (
                    "undone_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="taken back"),
                ),
                (
                    "undone_by",
                    models.CharField(
                        blank=True, max_length=36, null=True, verbose_name="taken back by"
                    ),
                ),
            ],
            options={
                "verbose_name": "merge",
                "verbose_name_plural": "merges",
                "db_table": "merges",
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="PriorityFormula",
            fields=[
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="created",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="updated",
                    ),
                ),
                (
                    "id",
                    models.SmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "recency_points",
                    models.IntegerField(
                        db_default=40,
                        default=40,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="points of a fresh interaction",
                    ),
                ),
                (
                    "recency_days",
                    models.IntegerField(
                        db_default=30,
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(365),
                        ],
                        verbose_name="days until they are gone",
                    ),
                ),
                (
                    "meeting_points",
                    models.IntegerField(
                        db_default=25,
                        default=25,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="points of a meeting ahead",
                    ),
                ),
                (
                    "engagement_points",
                    models.IntegerField(
                        db_default=20,
                        default=20,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="points of full engagement",
                    ),
                ),
            ],
            options={
                "verbose_name": "priority formula",
                "verbose_name_plural": "priority formula",
                "db_table": "priority_formula",
            },
        ),
        migrations.AddField(
            model_name="company",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="crm.company",
                verbose_name="merged into",
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="crm.contact",
                verbose_name="merged into",
            ),
        ),
        migrations.AddField(
            model_name="interaction",
            name="direction",
            field=models.CharField(
                choices=[("sent", "Sent"), ("received", "Received")],
                db_default="sent",
                default="sent",
                max_length=8,
                verbose_name="direction",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="manual_priority_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="priority set"
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="manual_priority_by",
            field=models.CharField(
                blank=True, editable=False, max_length=36, null=True, verbose_name="priority set by"
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="manual_priority_score",
            field=models.IntegerField(blank=True, null=True, verbose_name="priority set by hand"),
        ),
        migrations.AddField(
            model_name="lead",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="crm.lead",
                verbose_name="merged into",
            ),
        ),
        migrations.AddField(
            model_name="leadactivitystats",
            name="computed_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="computed"
            ),
        ),
        migrations.AddIndex(
            model_name="company",
            index=pipedesk.core.models.Index(
                fields=["merged_into_id"], name="idx_companies_merged_into_id"
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=pipedesk.core.models.Index(
                fields=["merged_into_id"], name="idx_contacts_merged_into_id"
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=pipedesk.core.models.Index(
                fields=["merged_into_id"], name="idx_leads_merged_into_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="company",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into__isnull", True), ("deleted_at__isnull", False), _connector="OR"
                ),
                name="ck_companies_merged_is_hidden",
                violation_error_message="What was merged into another record is hidden.",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into__isnull", True), ("deleted_at__isnull", False), _connector="OR"
                ),
                name="ck_contacts_merged_is_hidden",
                violation_error_message="What was merged into another record is hidden.",
            ),
        ),
        migrations.AddConstraint(
            model_name="interaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("direction__in", ["sent", "received"])),
                name="ck_lead_interactions_direction",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("manual_priority_at__isnull", True),
                        ("manual_priority_score__isnull", True),
                    ),
                    models.Q(
                        ("manual_priority_at__isnull", False),
                        ("manual_priority_score__gte", 0),
                        ("manual_priority_score__lte", 100),
                    ),
                    _connector="OR",
                ),
                name="ck_leads_manual_priority",
                violation_error_message="A priority set by hand is 0 to 100 and has its time.",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into__isnull", True), ("deleted_at__isnull", False), _connector="OR"
                ),
                name="ck_leads_merged_is_hidden",
                violation_error_message="What was merged into another record is hidden.",
            ),
        ),
        migrations.AddIndex(
            model_name="merge",
            index=pipedesk.core.models.Index(
                fields=["entity_type", "kept_id", "-created_at"], name="idx_merges_kept"
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undone_at__isnull", True)),
                fields=("entity_type", "merged_id"),
                name="uq_merges_merged",
                violation_error_message="This record was merged already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(("kept_id", models.F("merged_id")), _negated=True),
                name="ck_merges_two_records",
                violation_error_message="A record cannot be merged with itself.",
            ),
        ),
        migrations.AddConstraint(
            model_name="priorityformula",
            constraint=models.CheckConstraint(
                condition=models.Q(("id", 1)), name="ck_priority_formula_one_row"
            ),
        ),
        migrations.AddConstraint(
            model_name="priorityformula",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("engagement_points__range", (0, 100)),
                    ("meeting_points__range", (0, 100)),
                    ("recency_days__range", (1, 365)),
                    ("recency_points__range", (0, 100)),
                ),
                name="ck_priority_formula_range",
                violation_error_message="Points are 0 to 100, days 1 to 365.",
            ),
        ),
        migrations.RunPython(recreate_index, migrations.RunPython.noop),
    ]
