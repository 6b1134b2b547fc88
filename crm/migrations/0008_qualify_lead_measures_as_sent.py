"""The name of a new company has at most 500 characters as it is sent, as in the API's body."""

from django.db import migrations

SIGNATURE = "qualify_lead(uuid, jsonb, uuid)"
TRIMMED, AS_SENT = "char_length(v_name) > 500", "char_length(v_given[1] #>> '{}') > 500"


def exchange(editor, old, new):
    if editor.connection.vendor != "postgresql":
        return
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regprocedure)", [SIGNATURE])
        definition = cursor.fetchone()[0]
    if old not in definition:
        msg = f"{SIGNATURE} is not the one that was made here."
        raise RuntimeError(msg)
    editor.execute(definition.replace(old, new), params=None)


def forwards(apps, editor):
    exchange(editor, TRIMMED, AS_SENT)


def backwards(apps, editor):
    exchange(editor, AS_SENT, TRIMMED)


class Migration(migrations.Migration):
    dependencies = [("crm", "0007_statistics_know_when_they_are_due")]

    operations = [migrations.RunPython(forwards, backwards)]
