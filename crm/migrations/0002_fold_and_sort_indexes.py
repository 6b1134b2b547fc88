"""Search without case and accents on PostgreSQL, and the work list's nullable sort.

On SQLite the function is registered on each connection (crm.folding), and its indexes know
no NULLS LAST: there a descending index ends in the missing values anyway.
"""

from django.db import migrations

OPEN = "WHERE deleted_at IS NULL AND qualified_at IS NULL"
FOLD = """
CREATE FUNCTION pipedesk_fold(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT lower({schema}.unaccent('{schema}.unaccent'::regdictionary, $1)) $$
"""
TRIGRAMS = """
CREATE INDEX {name} ON {table} USING gin (pipedesk_fold({column}) {schema}.gin_trgm_ops)
"""
TRIGRAM_COLUMNS = (("leads", "legal_name"), ("leads", "trade_name"))


def schema_of(editor, extension):
    """Where the extension lives: named in full, so that a dump restores without search_path."""
    with editor.connection.cursor() as cursor:
        cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        cursor.execute(
            "SELECT quote_ident(nspname) FROM pg_extension"
            " JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = %s",
            [extension],
        )
        return cursor.fetchone()[0]


def forwards(apps, editor):
    nulls = ""
    if editor.connection.vendor == "postgresql":
        nulls = " NULLS LAST"
        editor.execute(FOLD.format(schema=schema_of(editor, "unaccent")))
        schema = schema_of(editor, "pg_trgm")
        for table, column in TRIGRAM_COLUMNS:
            name = f"idx_{table}_{column}_trigrams"
            editor.execute(TRIGRAMS.format(name=name, table=table, column=column, schema=schema))
    editor.execute(
        "CREATE INDEX idx_leads_open_last_interaction"
        f" ON leads (last_interaction_at DESC{nulls}, id) {OPEN}"
    )


def backwards(apps, editor):
    editor.execute("DROP INDEX idx_leads_open_last_interaction")
    if editor.connection.vendor == "postgresql":
        for table, column in TRIGRAM_COLUMNS:
            editor.execute(f"DROP INDEX idx_{table}_{column}_trigrams")
        # The extensions stay: others may use them.
        editor.execute("DROP FUNCTION pipedesk_fold(text)")


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]
