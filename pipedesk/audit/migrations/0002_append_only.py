"""The database itself refuses to change the history.

PostgreSQL refuses UPDATE and DELETE, not TRUNCATE: that is how test databases are emptied, and
a right the product's role need not have. SQLite refuses UPDATE only, because emptying it means
DELETE. A migration that makes the table anew on SQLite must make the trigger again.
"""

from django.db import migrations

POSTGRES = """
CREATE FUNCTION pipedesk_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_logs_append_only BEFORE UPDATE OR DELETE ON audit_logs
    FOR EACH ROW EXECUTE FUNCTION pipedesk_append_only();
"""
SQLITE = """
CREATE TRIGGER audit_logs_append_only BEFORE UPDATE ON audit_logs
BEGIN
    SELECT RAISE(ABORT, 'rows of audit_logs are only ever added');
END
"""


def forwards(apps, editor):
    editor.execute(POSTGRES if editor.connection.vendor == "postgresql" else SQLITE, params=None)


def backwards(apps, editor):
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP TRIGGER audit_logs_append_only ON audit_logs")
        editor.execute("DROP FUNCTION pipedesk_append_only()")
    else:
        editor.execute("DROP TRIGGER audit_logs_append_only")


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]
