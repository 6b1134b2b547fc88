"""Finding duplicates by indexes, and nothing points at a record that was merged.

Both on PostgreSQL only: SQLite has the functions on each connection (crm.likeness) and one
writer at a time.
"""

from django.db import migrations

LEGAL_FORMS = (
    "ltda|limitada|sa|s a|ss|s s|me|epp|eireli|mei|slu|cia|e cia|inc|llc|llp|ltd|limited|gmbh|ag"
    "|corp|corporation|co|plc|bv|srl|sarl"
)
FUNCTIONS = (
    r"""
CREATE FUNCTION pipedesk_name_key(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT regexp_replace(
    btrim(regexp_replace(@SCHEMA@.pipedesk_fold($1), '[\s!-/:-@\[-`{-~]+', ' ', 'g'), ' '),
    '( ("""
    + LEGAL_FORMS
    + r"""))+$', '') $$
""",
    r"""
CREATE FUNCTION pipedesk_phone_key(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT ltrim(regexp_replace(
    regexp_replace($1, '[^0-9]', '', 'g'), '^0*(55)?0*([1-9][0-9]{9,10})$', '\2'), '0') $$
""",
    # Locks the key of the row that is pointed at, so that a merge of it comes before or after.
    """
CREATE FUNCTION pipedesk_refuse_merged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE merged uuid;
BEGIN
    EXECUTE format('SELECT merged_into_id FROM %I.%I WHERE id = ($1).%I FOR KEY SHARE',
                   TG_TABLE_SCHEMA, TG_ARGV[0], TG_ARGV[1]) INTO merged USING NEW;
    IF merged IS NOT NULL THEN
        RAISE EXCEPTION 'merged into %', merged USING ERRCODE = 'check_violation',
            CONSTRAINT = 'ck_' || TG_ARGV[0] || '_merged_is_hidden';
    END IF;
    RETURN NULL;
END $$
""",
)
# People's names end in no legal forms: theirs are only folded.
TRIGRAM_COLUMNS = (
    ("companies", "name", "pipedesk_name_key"),
    ("contacts", "name", "pipedesk_fold"),
    ("leads", "legal_name", "pipedesk_name_key"),
    ("leads", "trade_name", "pipedesk_name_key"),
)
POINTERS = (
    ("master_deals", "company_id", "companies"),
    ("leads", "qualified_company_id", "companies"),
    ("lead_contacts", "contact_id", "contacts"),
)


def schema_of(editor, function):
    """Where a function lives: named in full, so that a dump restores without search_path."""
    with editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(nspname) FROM pg_proc"
            " JOIN pg_namespace ON pg_namespace.oid = pronamespace"
            " WHERE pg_proc.oid = %s::regproc",
            [function],
        )
        return cursor.fetchone()[0]


def execute(editor, statement):
    # No parameters: a backslash or % in a function is itself.
    with editor.connection.cursor() as cursor:
        cursor.execute(statement)


def forwards(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    own = schema_of(editor, "pipedesk_fold")
    for function in FUNCTIONS:
        execute(editor, function.replace("@SCHEMA@", own))
    schema = schema_of(editor, "gin_extract_value_trgm")
    for table, column, key in TRIGRAM_COLUMNS:
        execute(
            editor,
            f"CREATE INDEX idx_{table}_{column}_likeness ON {table}"
            f" USING gin ({key}({column}) {schema}.gin_trgm_ops)",
        )
    execute(editor, "CREATE INDEX idx_contacts_phone_key ON contacts (pipedesk_phone_key(phone))")
    for table, column, target in POINTERS:
        execute(
            editor,
            f"CREATE TRIGGER refuse_merged_{column} AFTER INSERT OR UPDATE OF {column} ON {table}"
            f" FOR EACH ROW WHEN (NEW.{column} IS NOT NULL)"
            f" EXECUTE FUNCTION pipedesk_refuse_merged('{target}', '{column}')",
        )


def backwards(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    for table, column, _target in POINTERS:
        execute(editor, f"DROP TRIGGER refuse_merged_{column} ON {table}")
    execute(editor, "DROP FUNCTION pipedesk_refuse_merged()")
    execute(editor, "DROP INDEX idx_contacts_phone_key")
    for table, column, _key in TRIGRAM_COLUMNS:
        execute(editor, f"DROP INDEX idx_{table}_{column}_likeness")
    execute(editor, "DROP FUNCTION pipedesk_phone_key(text)")
    execute(editor, "DROP FUNCTION pipedesk_name_key(text)")


class Migration(migrations.Migration):
    dependencies = [("crm", "0004_function_qualify_lead")]

    operations = [migrations.RunPython(forwards, backwards)]
