from django.db import migrations

from rewards import triggers


class Migration(migrations.Migration):
    """Refuse every change of the books by trigger; post_migrate puts them back whenever a table was rebuilt."""

    dependencies = [("rewards", "0001_first_models")]

    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: triggers.install(schema_editor.connection),
            lambda apps, schema_editor: triggers.remove(schema_editor.connection),
        ),
    ]
