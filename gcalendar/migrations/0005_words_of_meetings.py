"""An index of the words of meetings, live and archived, on PostgreSQL; SQLite looks through the rows.

A text beyond 100,000 characters is indexed up to there: a vector of words has a limit.
"""

from django.db import migrations

WORDS = r"""
CREATE FUNCTION pipedesk_event_words(text, text, text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT to_tsvector('pg_catalog.simple'::regconfig, regexp_replace(
    @SCHEMA@.pipedesk_fold(
        left(coalesce($1, '') || ' ' || coalesce($3, '') || ' ' || coalesce($2, ''), 100000)
    ), '[!-/:-@\[-`{-~]+', ' ', 'g'
)) $$
"""
TABLES = ("calendar_events", "calendar_events_archive")


def forwards(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    with editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(nspname) FROM pg_proc"
            " JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE proname = 'pipedesk_fold'"
        )
        cursor.execute(WORDS.replace("@SCHEMA@", cursor.fetchone()[0]))
        for table in TABLES:
            cursor.execute(
                f"CREATE INDEX idx_{table}_words ON {table}"
                " USING gin (pipedesk_event_words(summary, description, location))"
            )


def backwards(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        editor.execute(f"DROP INDEX idx_{table}_words")
    editor.execute("DROP FUNCTION pipedesk_event_words(text, text, text)")


class Migration(migrations.Migration):
    dependencies = [
        ("gcalendar", "0004_the_archive_whole"),
        ("crm", "0002_fold_and_sort_indexes"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]
