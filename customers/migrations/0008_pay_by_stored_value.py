from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """Let gift cards and store credit pay for a purchase."""

    dependencies = [("customers", "0007_tell_staff")]

    operations = [
        migrations.AddField(
            model_name="purchase",
            name="paid_by_value",
            field=models.BigIntegerField(
                db_default=0,
                default=0,
                help_text="Money that was paid in before: it earns points like any other.",
                verbose_name="paid by gift card or store credit",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=Q(paid_by_value__gte=0, total__gte=F("discount") + F("paid_by_points") + F("paid_by_value")),
                name="purchase_pays_at_most_its_total_by_value",
            ),
        ),
    ]
