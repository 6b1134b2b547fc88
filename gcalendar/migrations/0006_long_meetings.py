"""An index of the times that last longer than two days, few as they are, on PostgreSQL.

A range of the calendar page begins at the earliest of those that still run (gcalendar.models).
SQLite finds it in the index of starts.
"""

from django.db import migrations

TABLES = ("calendar_event_occurrences", "calendar_event_occurrences_archive")


def forwards(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        editor.execute(
            f"CREATE INDEX idx_{table}_long ON {table} (start_time, end_time)"
            " WHERE end_time - start_time > interval '2 days'"
        )


def backwards(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        editor.execute(f"DROP INDEX idx_{table}_long")


class Migration(migrations.Migration):
    dependencies = [("gcalendar", "0005_words_of_meetings")]

    operations = [migrations.RunPython(forwards, backwards)]
