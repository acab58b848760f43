import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A use names its batch, so that limits and reports count by one index."""

    dependencies = [("rewards", "0013_hours_and_inactivity")]

    operations = [
        migrations.DeleteModel(name="CouponDay"),
        migrations.AddField(
            model_name="couponuse",
            name="batch",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="uses",
                to="rewards.couponbatch",
                verbose_name="batch",
            ),
        ),
        migrations.RunSQL(
            "UPDATE rewards_couponuse SET batch_id = "
            "(SELECT batch_id FROM rewards_coupon WHERE rewards_coupon.id = rewards_couponuse.coupon_id)",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="couponuse",
            name="batch",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="uses",
                to="rewards.couponbatch",
                verbose_name="batch",
            ),
        ),
        migrations.AddIndex(
            model_name="couponuse",
            index=models.Index(fields=["batch", "redeemed_at"], name="couponuse_of_batch"),
        ),
    ]
