"""The chain of seals over the history; as append-only as the history itself."""

from django.db import migrations, models

POSTGRES = """
CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE ON audit_seals
    FOR EACH ROW EXECUTE FUNCTION pipedesk_append_only()
"""
SQLITE = """
CREATE TRIGGER audit_seals_append_only BEFORE UPDATE ON audit_seals
BEGIN
    SELECT RAISE(ABORT, 'rows of audit_seals are only ever added');
END
"""


def forwards(apps, editor):
    editor.execute(POSTGRES if editor.connection.vendor == "postgresql" else SQLITE, params=None)


def backwards(apps, editor):
    on_table = " ON audit_seals" if editor.connection.vendor == "postgresql" else ""
    editor.execute(f"DROP TRIGGER audit_seals_append_only{on_table}")


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_indexes_of_the_filters")]

    operations = [
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("position", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("entry_id", models.IntegerField(unique=True)),
                ("row_at", models.DateTimeField()),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "audit seal",
                "verbose_name_plural": "audit seals",
                "db_table": "audit_seals",
                "ordering": ("position",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("position__gte", 1)), name="ck_audit_seals_position"
                    )
                ],
            },
        ),
        migrations.RunPython(forwards, backwards),
    ]
