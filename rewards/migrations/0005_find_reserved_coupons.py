from django.db import migrations, models


class Migration(migrations.Migration):
    """An index of the few coupons that are reserved: a daily limit counts them at every redemption."""

    dependencies = [("rewards", "0004_hold_points")]

    operations = [
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(
                condition=models.Q(("reserved_until__isnull", False)),
                fields=["batch", "reserved_until"],
                name="coupon_reserved",
            ),
        ),
    ]
