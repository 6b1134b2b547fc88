"""Whether a meeting takes its owner's time, for each calendar that shows it.

What is there already is taken to be as the calendar that speaks for the meeting has it.
"""

from django.db import migrations, models

SIDES = (("EventAppearance", "CalendarEvent"), ("ArchivedAppearance", "CalendarEventArchive"))


def forwards(apps, editor):
    for shown, meetings in SIDES:
        appearances = apps.get_model("gcalendar", shown).objects.using(editor.connection.alias)
        events = apps.get_model("gcalendar", meetings).objects.using(editor.connection.alias)
        free = events.filter(transparent=True)
        appearances.filter(event__in=free.values("pk")).update(transparent=True)


class Migration(migrations.Migration):
    dependencies = [("gcalendar", "0007_splits_of_series")]

    operations = [
        migrations.AddField(
            model_name=name,
            name="transparent",
            field=models.BooleanField(db_default=False, default=False, verbose_name="free"),
        )
        for name in ("archivedappearance", "eventappearance")
    ] + [migrations.RunPython(forwards, migrations.RunPython.noop)]
