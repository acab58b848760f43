from django.db import migrations

from customers.models.customer import fold

AT_ONCE = 2_000


def fold_names(apps, schema_editor):
    """Write the folded form of every name, in batches that never hold many rows."""
    customers = apps.get_model("customers", "Customer").objects.filter(name_folded="").exclude(name="")
    last = 0
    while rows := list(customers.filter(pk__gt=last).order_by("pk").only("pk", "name")[:AT_ONCE]):
        for row in rows:
            row.name_folded = fold(row.name)
        customers.model.objects.bulk_update(rows, ["name_folded"], batch_size=400)
        last = rows[-1].pk


class Migration(migrations.Migration):
    """Fold the names that are there already."""

    dependencies = [("customers", "0009_prove_who_spends")]

    operations = [migrations.RunPython(fold_names, migrations.RunPython.noop)]
