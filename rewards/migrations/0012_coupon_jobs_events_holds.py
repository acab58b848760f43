import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from rewards import triggers


class Migration(migrations.Migration):
    """Jobs for many coupons, events and holds of coupons, who voided and when it was first seen, codes for many."""

    dependencies = [
        ("customers", "0008_pay_by_stored_value"),
        ("rewards", "0011_plan_coupon_batches"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CouponDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on_date", models.DateField(verbose_name="day")),
                ("uses", models.PositiveIntegerField(default=0, verbose_name="uses")),
            ],
            options={
                "verbose_name": "coupons of a day",
                "verbose_name_plural": "coupons of a day",
            },
        ),
        migrations.CreateModel(
            name="CouponEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("reserved", "reserved"),
                            ("released", "released"),
                            ("returned", "taken back"),
                            ("hidden", "put away"),
                            ("unhidden", "taken out again"),
                            ("activated", "activated"),
                            ("paused", "paused"),
                            ("closed", "closed"),
                            ("extended", "extended"),
                            ("voided", "rest voided"),
                            ("exported", "codes exported"),
                            ("printed", "codes printed"),
                        ],
                        max_length=10,
                        verbose_name="event",
                    ),
                ),
                ("happened_at", models.DateTimeField(verbose_name="at")),
                ("count", models.PositiveBigIntegerField(default=1, verbose_name="coupons")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
            ],
            options={
                "verbose_name": "coupon event",
                "verbose_name_plural": "coupon events",
            },
        ),
        migrations.CreateModel(
            name="CouponHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255, verbose_name="reservation")),
                ("discount", models.PositiveBigIntegerField(default=0, verbose_name="discount")),
                ("basket_digest", models.CharField(blank=True, max_length=64, verbose_name="basket")),
                ("held_until", models.DateTimeField(verbose_name="held until")),
            ],
            options={
                "verbose_name": "held coupon",
                "verbose_name_plural": "held coupons",
            },
        ),
        migrations.CreateModel(
            name="CouponJob",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("open", "codes for whoever shows them"),
                            ("list", "coupons for a list of customers"),
                            ("segment", "coupons for a segment"),
                            ("extend", "a later end"),
                            ("void", "voiding the rest"),
                        ],
                        editable=False,
                        max_length=10,
                        verbose_name="what",
                    ),
                ),
                ("key", models.UUIDField(editable=False, unique=True, verbose_name="request")),
                ("segment", models.CharField(blank=True, editable=False, max_length=40, verbose_name="segment")),
                ("customer_ids", models.JSONField(default=list, editable=False, verbose_name="customers")),
                ("ends_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="new end at")),
                (
                    "void_reason",
                    models.CharField(blank=True, editable=False, max_length=200, verbose_name="void reason"),
                ),
                ("total", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="asked for")),
                ("done", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="worked through")),
                (
                    "changed",
                    models.PositiveBigIntegerField(
                        default=0, editable=False, help_text="Issued, extended or voided.", verbose_name="coupons"
                    ),
                ),
                ("cursor", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="position")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("running", "running"),
                            ("stopped", "stopped"),
                            ("done", "done"),
                            ("failed", "failed"),
                        ],
                        default="waiting",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("reason", models.CharField(blank=True, editable=False, max_length=500, verbose_name="why it stopped")),
                ("language", models.CharField(editable=False, max_length=10, verbose_name="language of the reason")),
                ("attempts", models.PositiveSmallIntegerField(default=0, editable=False, verbose_name="attempts")),
                (
                    "claimed_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last sign of life"),
                ),
                ("created_at", models.DateTimeField(editable=False, verbose_name="asked at")),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="finished at"),
                ),
            ],
            options={
                "verbose_name": "coupon job",
                "verbose_name_plural": "coupon jobs",
            },
        ),
        migrations.CreateModel(
            name="PrintedCodes",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "verbose_name": "printed codes",
                "verbose_name_plural": "printed codes",
            },
        ),
        migrations.RemoveIndex(
            model_name="coupon",
            name="coupon_reserved",
        ),
        migrations.AddField(
            model_name="coupon",
            name="seen_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the customer first opened it.",
                null=True,
                verbose_name="seen at",
            ),
        ),
        migrations.AddField(
            model_name="coupon",
            name="text",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="The words that the shop chose, such as SUMMER; they hang on the wall and are no secret.",
                max_length=32,
                verbose_name="code for many",
            ),
        ),
        migrations.AddField(
            model_name="coupon",
            name="voided_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="voided by",
            ),
        ),
        migrations.AddField(
            model_name="couponbatch",
            name="segments",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Who is in one of them when using it. Empty is all.",
                verbose_name="segments",
            ),
        ),
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(condition=models.Q(("seen_at__isnull", False)), fields=["batch"], name="coupon_seen"),
        ),
        migrations.AddField(
            model_name="couponday",
            name="batch",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="rewards.couponbatch",
                verbose_name="batch",
            ),
        ),
        migrations.AddField(
            model_name="couponevent",
            name="batch",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="rewards.couponbatch",
                verbose_name="batch",
            ),
        ),
        migrations.AddField(
            model_name="couponevent",
            name="by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AddField(
            model_name="couponevent",
            name="coupon",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="rewards.coupon",
                verbose_name="coupon",
            ),
        ),
        migrations.AddField(
            model_name="couponevent",
            name="store",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="customers.store",
                verbose_name="store",
            ),
        ),
        migrations.AddField(
            model_name="couponhold",
            name="batch",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="rewards.couponbatch",
                verbose_name="batch",
            ),
        ),
        migrations.AddField(
            model_name="couponhold",
            name="coupon",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="holds",
                to="rewards.coupon",
                verbose_name="coupon",
            ),
        ),
        migrations.AddField(
            model_name="couponhold",
            name="customer",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="customers.customer",
                verbose_name="customer",
            ),
        ),
        migrations.AddField(
            model_name="couponjob",
            name="batch",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="jobs",
                to="rewards.couponbatch",
                verbose_name="batch",
            ),
        ),
        migrations.AddField(
            model_name="couponjob",
            name="by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AddField(
            model_name="printedcodes",
            name="batch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="printed_codes",
                to="rewards.couponbatch",
                verbose_name="batch",
            ),
        ),
        migrations.AddField(
            model_name="printedcodes",
            name="job",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="printed_codes",
                to="customers.importjob",
                verbose_name="import",
            ),
        ),
        migrations.AddConstraint(
            model_name="couponday",
            constraint=models.UniqueConstraint(fields=("batch", "on_date"), name="couponday_once"),
        ),
        migrations.AddIndex(
            model_name="couponevent",
            index=models.Index(
                condition=models.Q(("coupon__isnull", False)), fields=["coupon", "id"], name="couponevent_of_coupon"
            ),
        ),
        migrations.AddIndex(
            model_name="couponevent",
            index=models.Index(
                condition=models.Q(("coupon", None)), fields=["batch", "id"], name="couponevent_of_batch"
            ),
        ),
        migrations.AddIndex(
            model_name="couponhold",
            index=models.Index(fields=["batch", "held_until"], name="couponhold_of_batch"),
        ),
        migrations.AddConstraint(
            model_name="couponhold",
            constraint=models.UniqueConstraint(fields=("coupon", "key"), name="couponhold_once_per_basket"),
        ),
        migrations.AddConstraint(
            model_name="couponjob",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "open"), _negated=True), ("changed__lte", models.F("total")), _connector="OR"
                ),
                name="couponjob_never_more_than_asked",
            ),
        ),
        migrations.AddConstraint(
            model_name="couponjob",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at", None), ("state__in", ["waiting", "running"])),
                    models.Q(("finished_at__isnull", False), ("state__in", ["stopped", "done", "failed"])),
                    _connector="OR",
                ),
                name="couponjob_finished_at_a_time",
            ),
        ),
        migrations.RunPython(lambda apps, editor: triggers.install(editor.connection), migrations.RunPython.noop),
    ]
