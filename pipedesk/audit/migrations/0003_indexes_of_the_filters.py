"""Each filter of the audit log finds its rows, newest first, from an index."""

from django.db import migrations

from pipedesk.core.models import Index


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]

    operations = [
        migrations.RemoveIndex("auditlog", "idx_audit_logs_user_id"),
        migrations.AddIndex(
            "auditlog",
            Index(fields=["user_id", "-created_at", "-id"], name="idx_audit_logs_user_id"),
        ),
        migrations.AddIndex(
            "auditlog",
            Index(fields=["action", "-created_at", "-id"], name="idx_audit_logs_action"),
        ),
        migrations.AddIndex(
            "auditlog", Index(fields=["entity_id"], name="idx_audit_logs_entity_id")
        ),
    ]
