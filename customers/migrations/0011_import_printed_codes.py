from django.db import migrations, models


class Migration(migrations.Migration):
    """An imported file may hold the codes of printed coupons."""

    dependencies = [("customers", "0010_fold_names")]

    operations = [
        migrations.AlterField(
            model_name="importjob",
            name="kind",
            field=models.CharField(
                choices=[("customers", "customers"), ("purchases", "purchases"), ("coupons", "printed coupon codes")],
                default="purchases",
                max_length=10,
                verbose_name="what is in the file",
            ),
        ),
    ]
