import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Points, coupons, rewards, surprises; their guards come after every `migrate` (rewards/triggers.py).

    Indexes and constraints lie in the models' options: as steps of their own they made a new database wait 30 s longer.
    """

    initial = True

    dependencies = [
        ("customers", "0001_first_models"),
        ("customers", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="CountedMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month_date", models.DateField(help_text="Its first day.", unique=True, verbose_name="month")),
                (
                    "newest_transaction",
                    models.BigIntegerField(default=0, editable=False, verbose_name="newest transaction"),
                ),
                ("counted_at", models.DateTimeField(verbose_name="counted at")),
            ],
            options={
                "verbose_name": "counted month",
                "verbose_name_plural": "counted months",
            },
        ),
        migrations.CreateModel(
            name="ProgrammeDay",
            fields=[
                ("day_date", models.DateField(primary_key=True, serialize=False, verbose_name="day")),
                ("finished_at", models.DateTimeField(verbose_name="finished at")),
                ("changed", models.PositiveIntegerField(help_text="Transactions and tiers.", verbose_name="changes")),
            ],
            options={
                "verbose_name": "day of the programme",
                "verbose_name_plural": "days of the programme",
            },
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        help_text="Such as birthday:42:2027; it happens once.", max_length=200, verbose_name="occasion"
                    ),
                ),
                (
                    "number",
                    models.PositiveIntegerField(
                        help_text="Counts the customer's occasions in this trial; the first one is compared.",
                        verbose_name="number",
                    ),
                ),
                ("is_gift", models.BooleanField(verbose_name="gets the gift")),
                (
                    "reason",
                    models.JSONField(
                        default=dict, help_text="Why the customer was drawn: keys and numbers.", verbose_name="reason"
                    ),
                ),
                ("assigned_at", models.DateTimeField(verbose_name="assigned at")),
                (
                    "since_at",
                    models.DateTimeField(help_text="Where the time before begins.", verbose_name="before from"),
                ),
                ("closes_at", models.DateTimeField(verbose_name="counted until")),
                ("first_message_at", models.DateTimeField(blank=True, null=True, verbose_name="first message at")),
                (
                    "cost",
                    models.PositiveBigIntegerField(
                        default=0,
                        help_text="What was given cost the shop, coupons apart, in the minor unit.",
                        verbose_name="cost",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "purchase",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="customers.purchase",
                        verbose_name="purchase",
                    ),
                ),
            ],
            options={
                "verbose_name": "assignment",
                "verbose_name_plural": "assignments",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closes_at__gt", models.F("assigned_at")),
                            ("number__gte", 1),
                            ("since_at__lt", models.F("assigned_at")),
                        ),
                        name="assignment_has_a_before_and_an_after",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("first_message_at", None),
                            ("first_message_at__gte", models.F("assigned_at")),
                            _connector="OR",
                        ),
                        name="assignment_before_the_first_message",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_gift", True), models.Q(("cost", 0), ("first_message_at", None)), _connector="OR"
                        ),
                        name="assignment_gives_control_nothing",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BookProof",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("proven_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="proven at")),
                ("is_balanced", models.BooleanField(verbose_name="balanced")),
                ("customers", models.PositiveBigIntegerField(verbose_name="customers")),
                ("transactions", models.PositiveBigIntegerField(verbose_name="transactions")),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
                ("trial_balance", models.JSONField(help_text="Points per account.", verbose_name="trial balance")),
                (
                    "faults",
                    models.JSONField(
                        default=list, help_text="The first 100 rows that do not fit.", verbose_name="faults"
                    ),
                ),
            ],
            options={
                "verbose_name": "proof of the books",
                "verbose_name_plural": "proofs of the books",
                "indexes": [models.Index(fields=["-proven_at"], name="bookproof_newest")],
            },
        ),
        migrations.CreateModel(
            name="CouponBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name_en", models.CharField(max_length=100, verbose_name="name (English)")),
                ("name_zh", models.CharField(blank=True, max_length=100, verbose_name="name (Chinese)")),
                (
                    "terms_en",
                    models.TextField(
                        blank=True, help_text="What the customer reads below the code.", verbose_name="terms (English)"
                    ),
                ),
                ("terms_zh", models.TextField(blank=True, verbose_name="terms (Chinese)")),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "draft"), ("active", "active"), ("paused", "paused"), ("closed", "closed")],
                        default="draft",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "value_kind",
                    models.CharField(
                        choices=[
                            ("percent", "percent off"),
                            ("amount", "amount off"),
                            ("product", "free product"),
                            ("gift", "gift"),
                            ("multiplier", "points multiplier"),
                        ],
                        max_length=10,
                        verbose_name="value",
                    ),
                ),
                (
                    "value",
                    models.PositiveBigIntegerField(
                        default=0,
                        help_text="Percent and multiplier in basis points (1,000 is 10 %), amount in the currency's minor unit.",
                        verbose_name="size",
                    ),
                ),
                (
                    "minimum_basket",
                    models.PositiveBigIntegerField(
                        default=0, help_text="In the currency's minor unit.", verbose_name="minimum basket"
                    ),
                ),
                (
                    "segments",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Who is in one of them when using it. Empty is all.",
                        verbose_name="segments",
                    ),
                ),
                ("starts_at", models.DateTimeField(blank=True, null=True, verbose_name="starts at")),
                (
                    "ends_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="No coupon of the batch is valid after this.",
                        null=True,
                        verbose_name="ends at",
                    ),
                ),
                (
                    "valid_days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="From issue, to the end of that day. Empty follows the batch.",
                        null=True,
                        verbose_name="valid days",
                    ),
                ),
                (
                    "uses_per_coupon",
                    models.PositiveIntegerField(
                        default=1, help_text="More than 1 makes a code for many.", verbose_name="uses per coupon"
                    ),
                ),
                ("per_customer", models.PositiveIntegerField(blank=True, null=True, verbose_name="uses per customer")),
                ("per_day", models.PositiveIntegerField(blank=True, null=True, verbose_name="uses per day")),
                (
                    "limit",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How many may be issued. Empty is without limit.",
                        null=True,
                        verbose_name="coupons at most",
                    ),
                ),
                (
                    "budget",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="Discounts given at most, in the minor unit.",
                        null=True,
                        verbose_name="budget",
                    ),
                ),
                (
                    "cost_price",
                    models.PositiveBigIntegerField(
                        default=0,
                        help_text="What one use costs the shop, in the minor unit.",
                        verbose_name="cost price",
                    ),
                ),
                (
                    "stacking",
                    models.SlugField(
                        blank=True,
                        help_text="Coupons of one category exclude each other; empty excludes all.",
                        max_length=40,
                        verbose_name="stacking category",
                    ),
                ),
                (
                    "prefix",
                    models.CharField(
                        blank=True,
                        help_text="Shown before the code, outside its check symbol.",
                        max_length=8,
                        verbose_name="prefix",
                    ),
                ),
                ("issued", models.PositiveIntegerField(default=0, editable=False, verbose_name="issued")),
                ("redeemed", models.PositiveIntegerField(default=0, editable=False, verbose_name="redeemed")),
                ("spent", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="budget spent")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "categories",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Empty is all.",
                        related_name="+",
                        to="customers.category",
                        verbose_name="categories",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.product",
                        verbose_name="free product",
                    ),
                ),
                (
                    "products",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Empty is all.",
                        related_name="+",
                        to="customers.product",
                        verbose_name="products",
                    ),
                ),
                (
                    "stores",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Empty is all.",
                        related_name="+",
                        to="customers.store",
                        verbose_name="stores",
                    ),
                ),
            ],
            options={
                "verbose_name": "coupon batch",
                "verbose_name_plural": "coupon batches",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("value_kind__in", ["product", "gift"]), ("value__gt", 0), _connector="OR"),
                        name="couponbatch_value_is_worth_something",
                        violation_error_message="A percentage, an amount and a multiplier need a size.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("value_kind", "percent"), _negated=True), ("value__lte", 10000), _connector="OR"
                        ),
                        name="couponbatch_percent_at_most_all",
                        violation_error_message="A percentage is at most 10,000 basis points, which is the whole price.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("value_kind", "product"), _negated=True),
                            ("product__isnull", False),
                            _connector="OR",
                        ),
                        name="couponbatch_free_product_is_named",
                        violation_error_message="A free product needs the product.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at", None),
                            ("starts_at", None),
                            ("ends_at__gt", models.F("starts_at")),
                            _connector="OR",
                        ),
                        name="couponbatch_ends_after_start",
                        violation_error_message="The end must lie after the start.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("uses_per_coupon__gte", 1)), name="couponbatch_coupons_can_be_used"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("limit", None), ("issued__lte", models.F("limit")), _connector="OR"),
                        name="couponbatch_limit_holds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("budget", None), ("spent__lte", models.F("budget")), _connector="OR"),
                        name="couponbatch_budget_holds",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Coupon",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code_sealed", models.BinaryField(max_length=64, unique=True, verbose_name="sealed code")),
                ("code_tail", models.CharField(editable=False, max_length=4, verbose_name="ends in")),
                (
                    "text",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="The words that the shop chose, such as SUMMER; they hang on the wall and are no secret.",
                        max_length=32,
                        verbose_name="code for many",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("reserved", "reserved"),
                            ("redeemed", "redeemed"),
                            ("voided", "voided"),
                            ("hidden", "hidden"),
                        ],
                        default="active",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        help_text="Stable key of the cause; issuing again returns the same coupon.",
                        max_length=200,
                        unique=True,
                        verbose_name="source",
                    ),
                ),
                ("uses", models.PositiveIntegerField(default=0, verbose_name="uses")),
                ("uses_allowed", models.PositiveIntegerField(default=1, verbose_name="uses allowed")),
                ("issued_at", models.DateTimeField(verbose_name="issued at")),
                ("starts_at", models.DateTimeField(blank=True, null=True, verbose_name="starts at")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires at")),
                ("reserved_until", models.DateTimeField(blank=True, null=True, verbose_name="reserved until")),
                ("reservation_key", models.CharField(blank=True, max_length=255, verbose_name="reservation")),
                (
                    "seen_at",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="When the customer first opened it.",
                        null=True,
                        verbose_name="seen at",
                    ),
                ),
                ("voided_at", models.DateTimeField(blank=True, null=True, verbose_name="voided at")),
                ("void_reason", models.CharField(blank=True, max_length=200, verbose_name="void reason")),
                (
                    "by",
                    models.ForeignKey(
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
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: whoever shows it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coupons",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "voided_by",
                    models.ForeignKey(
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
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coupons",
                        to="rewards.couponbatch",
                        verbose_name="batch",
                    ),
                ),
            ],
            options={
                "verbose_name": "coupon",
                "verbose_name_plural": "coupons",
                "indexes": [
                    models.Index(fields=["customer", "-issued_at", "-id"], name="coupon_of_customer"),
                    models.Index(condition=models.Q(("seen_at__isnull", False)), fields=["batch"], name="coupon_seen"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("uses__lte", models.F("uses_allowed")), ("uses_allowed__gte", 1)),
                        name="coupon_used_at_most_as_allowed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "redeemed"), ("uses", models.F("uses_allowed"))),
                            models.Q(
                                models.Q(("state", "redeemed"), _negated=True), ("uses__lt", models.F("uses_allowed"))
                            ),
                            ("state", "voided"),
                            _connector="OR",
                        ),
                        name="coupon_redeemed_when_used_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reserved_until__isnull", False), ("state", "reserved")),
                            models.Q(models.Q(("state", "reserved"), _negated=True), ("reserved_until", None)),
                            _connector="OR",
                        ),
                        name="coupon_reserved_until_a_deadline",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "voided"), ("voided_at__isnull", False)),
                            models.Q(models.Q(("state", "voided"), _negated=True), ("voided_at", None)),
                            _connector="OR",
                        ),
                        name="coupon_voided_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("source", ""), _negated=True), name="coupon_has_a_source"
                    ),
                ],
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
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="rewards.couponbatch",
                        verbose_name="batch",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "coupon",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="rewards.coupon",
                        verbose_name="coupon",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "coupon event",
                "verbose_name_plural": "coupon events",
                "indexes": [
                    models.Index(
                        condition=models.Q(("coupon__isnull", False)),
                        fields=["coupon", "id"],
                        name="couponevent_of_coupon",
                    ),
                    models.Index(
                        condition=models.Q(("coupon", None)), fields=["batch", "id"], name="couponevent_of_batch"
                    ),
                ],
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
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="rewards.couponbatch",
                        verbose_name="batch",
                    ),
                ),
                (
                    "coupon",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="holds",
                        to="rewards.coupon",
                        verbose_name="coupon",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "held coupon",
                "verbose_name_plural": "held coupons",
                "indexes": [models.Index(fields=["batch", "held_until"], name="couponhold_of_batch")],
                "constraints": [models.UniqueConstraint(fields=("coupon", "key"), name="couponhold_once_per_basket")],
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
                (
                    "batch",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="jobs",
                        to="rewards.couponbatch",
                        verbose_name="batch",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
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
            ],
            options={
                "verbose_name": "coupon job",
                "verbose_name_plural": "coupon jobs",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "open"), _negated=True),
                            ("changed__lte", models.F("total")),
                            _connector="OR",
                        ),
                        name="couponjob_never_more_than_asked",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("state__in", ["waiting", "running"])),
                            models.Q(("finished_at__isnull", False), ("state__in", ["stopped", "done", "failed"])),
                            _connector="OR",
                        ),
                        name="couponjob_finished_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CouponUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "number",
                    models.PositiveIntegerField(
                        help_text="Counts the uses of the coupon from 1, returned ones included.", verbose_name="use"
                    ),
                ),
                ("request_key", models.CharField(max_length=255, unique=True, verbose_name="request")),
                (
                    "discount",
                    models.PositiveBigIntegerField(
                        default=0, help_text="What the use took off, in the minor unit.", verbose_name="discount"
                    ),
                ),
                ("redeemed_at", models.DateTimeField(db_index=True, verbose_name="redeemed at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                ("returned_at", models.DateTimeField(blank=True, null=True, verbose_name="returned at")),
                (
                    "return_key",
                    models.CharField(blank=True, max_length=255, null=True, unique=True, verbose_name="return request"),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="uses",
                        to="rewards.couponbatch",
                        verbose_name="batch",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "coupon",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="rewards.coupon",
                        verbose_name="coupon",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coupon_uses",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "purchase",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="coupon_uses",
                        to="customers.purchase",
                        verbose_name="purchase",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "coupon use",
                "verbose_name_plural": "coupon uses",
                "indexes": [models.Index(fields=["batch", "redeemed_at"], name="couponuse_of_batch")],
                "constraints": [
                    models.UniqueConstraint(fields=("coupon", "number"), name="couponuse_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("return_key", None), ("returned_at", None)),
                            models.Q(("return_key__isnull", False), ("returned_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="couponuse_return_has_key_and_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PointBalance",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="balance",
                        serialize=False,
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                ("pending", models.BigIntegerField(default=0, verbose_name="pending")),
                ("active", models.BigIntegerField(default=0, verbose_name="active")),
                ("held", models.BigIntegerField(default=0, verbose_name="held")),
                (
                    "debt",
                    models.BigIntegerField(
                        default=0, help_text="Never above 0: later awards absorb it first.", verbose_name="debt"
                    ),
                ),
                (
                    "lifetime",
                    models.BigIntegerField(default=0, help_text="All points ever earned.", verbose_name="lifetime"),
                ),
                ("sequence", models.PositiveIntegerField(default=0, verbose_name="transactions")),
                ("mac", models.CharField(blank=True, max_length=64, verbose_name="seal")),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="updated at")),
            ],
            options={
                "verbose_name": "balance",
                "verbose_name_plural": "balances",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("active__gte", 0),
                            ("debt__lte", 0),
                            ("held__gte", 0),
                            ("lifetime__gte", 0),
                            ("pending__gte", 0),
                        ),
                        name="pointbalance_in_bounds",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PointTransaction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "currency",
                    models.PositiveSmallIntegerField(
                        db_default=0,
                        default=0,
                        editable=False,
                        help_text="0 for the programme's points, otherwise the number of the stamp card.",
                        verbose_name="currency",
                    ),
                ),
                (
                    "sequence",
                    models.PositiveIntegerField(
                        help_text="Counts the customer's transactions from 1, without a gap.", verbose_name="number"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("earn", "earned"),
                            ("redeem", "spent"),
                            ("expire", "expired"),
                            ("reverse", "reversed"),
                            ("adjust", "adjusted"),
                            ("transfer", "transferred"),
                            ("hold", "put on hold"),
                            ("release", "released"),
                            ("write_off", "written off"),
                            ("reinstate", "reinstated"),
                            ("activate", "became spendable"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "from_account",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("active", "active"),
                            ("held", "held"),
                            ("debt", "debt"),
                            ("issued", "issued"),
                            ("redeemed", "redeemed"),
                            ("expired", "expired"),
                            ("reversed", "reversed"),
                            ("written_off", "written off"),
                            ("transferred", "transferred"),
                        ],
                        max_length=12,
                        verbose_name="from",
                    ),
                ),
                (
                    "to_account",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("active", "active"),
                            ("held", "held"),
                            ("debt", "debt"),
                            ("issued", "issued"),
                            ("redeemed", "redeemed"),
                            ("expired", "expired"),
                            ("reversed", "reversed"),
                            ("written_off", "written off"),
                            ("transferred", "transferred"),
                        ],
                        max_length=12,
                        verbose_name="to",
                    ),
                ),
                ("points", models.BigIntegerField(verbose_name="points")),
                (
                    "source",
                    models.CharField(
                        help_text="Stable key of the cause, such as purchase:1042; one cause posts once.",
                        max_length=200,
                        verbose_name="source",
                    ),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                ("recorded_at", models.DateTimeField(verbose_name="recorded at")),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        help_text="A word of a closed list, for adjustments.",
                        max_length=40,
                        verbose_name="reason",
                    ),
                ),
                (
                    "note",
                    models.CharField(blank=True, help_text="For the customer.", max_length=300, verbose_name="note"),
                ),
                (
                    "explanation",
                    models.JSONField(
                        blank=True,
                        help_text="The rule versions, basis and multipliers behind an award; refunds use them.",
                        null=True,
                        verbose_name="explanation",
                    ),
                ),
                ("pending_after", models.BigIntegerField(verbose_name="pending after")),
                ("active_after", models.BigIntegerField(verbose_name="active after")),
                ("held_after", models.BigIntegerField(verbose_name="held after")),
                ("debt_after", models.BigIntegerField(verbose_name="debt after")),
                ("key_number", models.PositiveSmallIntegerField(verbose_name="key number")),
                (
                    "mac",
                    models.CharField(
                        help_text="Chains this row to the one before it, with a key outside the database.",
                        max_length=64,
                        verbose_name="seal",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="point_transactions",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="What this row takes back, in whole or in part; all reversals together never exceed it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="rewards.pointtransaction",
                        verbose_name="reverses",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "point transaction",
                "verbose_name_plural": "point transactions",
                "indexes": [
                    models.Index(fields=["occurred_at"], name="pointtransaction_occurred_at"),
                    models.Index(
                        condition=models.Q(("reverses__isnull", False)),
                        fields=["reverses"],
                        name="pointtransaction_reversals",
                    ),
                    models.Index(
                        condition=models.Q(("currency__gt", 0)),
                        fields=["currency", "kind"],
                        name="pointtransaction_of_stamps",
                    ),
                    models.Index(
                        condition=models.Q(("kind", "adjust")),
                        fields=["by", "occurred_at"],
                        name="pointtransaction_by_hand",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("customer", "currency", "sequence"), name="pointtransaction_sequence_once"
                    ),
                    models.UniqueConstraint(
                        fields=("source", "kind", "from_account", "to_account"),
                        name="pointtransaction_cause_posts_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("points__gt", 0)), name="pointtransaction_moves_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("from_account", models.F("to_account")), _negated=True),
                        name="pointtransaction_goes_somewhere",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("from_account__in", ("pending", "active", "held", "debt")),
                            ("to_account__in", ("pending", "active", "held", "debt")),
                            _connector="OR",
                        ),
                        name="pointtransaction_touches_the_customer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("source", ""), _negated=True), name="pointtransaction_has_a_source"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sequence__gt", 0)), name="pointtransaction_sequence_from_one"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("active_after__gte", 0),
                            ("debt_after__lte", 0),
                            ("held_after__gte", 0),
                            ("pending_after__gte", 0),
                        ),
                        name="pointtransaction_balances_in_bounds",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PointLot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "currency",
                    models.PositiveSmallIntegerField(
                        db_default=0,
                        default=0,
                        editable=False,
                        help_text="That of the transaction.",
                        verbose_name="currency",
                    ),
                ),
                ("points", models.BigIntegerField(verbose_name="points")),
                ("remaining", models.BigIntegerField(verbose_name="remaining")),
                ("activates_at", models.DateTimeField(verbose_name="activates at")),
                (
                    "activated_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Empty while the points are pending.",
                        null=True,
                        verbose_name="activated at",
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, help_text="Empty is never.", null=True, verbose_name="expires at"),
                ),
                (
                    "inactive_months",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Of points that end only when the customer stays away; empty for all others.",
                        null=True,
                        verbose_name="months without activity",
                    ),
                ),
                (
                    "lapses_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When such points end unless the customer comes back; only ever moved on.",
                        null=True,
                        verbose_name="lapses at",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="point_lots",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "transaction",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lot",
                        to="rewards.pointtransaction",
                        verbose_name="opened by",
                    ),
                ),
            ],
            options={
                "verbose_name": "lot",
                "verbose_name_plural": "lots",
                "indexes": [
                    models.Index(
                        models.F("customer"),
                        django.db.models.functions.comparison.Coalesce("expires_at", "lapses_at"),
                        condition=models.Q(("remaining__gt", 0)),
                        name="pointlot_open_of_customer",
                    ),
                    models.Index(
                        condition=models.Q(("activated_at", None), ("remaining__gt", 0)),
                        fields=["customer", "activates_at"],
                        name="pointlot_pending_of_customer",
                    ),
                    models.Index(
                        condition=models.Q(("activated_at", None)), fields=["activates_at"], name="pointlot_to_activate"
                    ),
                    models.Index(
                        condition=models.Q(("activated_at__isnull", False), ("remaining__gt", 0)),
                        fields=["expires_at"],
                        name="pointlot_to_expire",
                    ),
                    models.Index(
                        condition=models.Q(("expires_at", None), ("lapses_at__isnull", False), ("remaining__gt", 0)),
                        fields=["lapses_at"],
                        name="pointlot_to_lapse",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("points__gt", 0), ("remaining__gte", 0), ("remaining__lte", models.F("points"))
                        ),
                        name="pointlot_remaining_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at", None), ("expires_at__gt", models.F("activates_at")), _connector="OR"
                        ),
                        name="pointlot_expires_after_activation",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("inactive_months__isnull", True), ("lapses_at__isnull", True)),
                            models.Q(
                                ("inactive_months__gt", 0),
                                ("inactive_months__isnull", False),
                                ("lapses_at__gt", models.F("activates_at")),
                                ("lapses_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="pointlot_lapses_after_activation",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PointHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=200, unique=True, verbose_name="source")),
                ("points", models.BigIntegerField(verbose_name="points")),
                ("captured", models.BigIntegerField(default=0, verbose_name="spent")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("captured", "spent"),
                            ("released", "released"),
                            ("lapsed", "lapsed"),
                        ],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("placed_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="placed at")),
                ("expires_at", models.DateTimeField(verbose_name="until")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed at")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="point_holds",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.store",
                        verbose_name="store",
                    ),
                ),
                (
                    "transaction",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hold",
                        to="rewards.pointtransaction",
                        verbose_name="transaction",
                    ),
                ),
            ],
            options={
                "verbose_name": "hold",
                "verbose_name_plural": "holds",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")), fields=["expires_at"], name="pointhold_to_release"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("captured__gte", 0), ("captured__lte", models.F("points")), ("points__gt", 0)
                        ),
                        name="pointhold_spends_at_most_itself",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("state", "open")),
                            models.Q(models.Q(("state", "open"), _negated=True), ("closed_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="pointhold_closed_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("captured__gt", 0), ("state", "captured")),
                            models.Q(models.Q(("state", "captured"), _negated=True), ("captured", 0)),
                            _connector="OR",
                        ),
                        name="pointhold_captured_spends_something",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LotAllocation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("points", models.BigIntegerField(verbose_name="points")),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="rewards.pointlot",
                        verbose_name="lot",
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="rewards.pointtransaction",
                        verbose_name="transaction",
                    ),
                ),
            ],
            options={
                "verbose_name": "lot allocation",
                "verbose_name_plural": "lot allocations",
                "constraints": [
                    models.UniqueConstraint(fields=("transaction", "lot"), name="lotallocation_once"),
                    models.CheckConstraint(
                        condition=models.Q(("points", 0), _negated=True), name="lotallocation_moves_something"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PrintedCodes",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="printed_codes",
                        to="rewards.couponbatch",
                        verbose_name="batch",
                    ),
                ),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="printed_codes",
                        to="customers.importjob",
                        verbose_name="import",
                    ),
                ),
            ],
            options={
                "verbose_name": "printed codes",
                "verbose_name_plural": "printed codes",
            },
        ),
        migrations.CreateModel(
            name="ReferralCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=16, unique=True, verbose_name="code")),
                (
                    "device_digest",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="On which the link was made.",
                        max_length=64,
                        verbose_name="digest of the device",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="referral_code",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "referral code",
                "verbose_name_plural": "referral codes",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("code", ""), _negated=True), name="referralcode_is_not_empty"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ReferralOffer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "friend_points",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="On joining, unless something has to be looked at first.",
                        verbose_name="points for the friend",
                    ),
                ),
                (
                    "advocate_points",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="When the friend's first purchase can no longer be brought back.",
                        verbose_name="points for the member",
                    ),
                ),
                (
                    "minimum_total",
                    models.PositiveBigIntegerField(
                        default=0,
                        help_text="What the friend has bought and kept with one receipt.",
                        verbose_name="smallest purchase",
                    ),
                ),
                (
                    "return_days",
                    models.PositiveSmallIntegerField(
                        default=14,
                        help_text="After the friend's purchase; a store whose points wait longer decides.",
                        validators=[django.core.validators.MaxValueValidator(365)],
                        verbose_name="days to wait",
                    ),
                ),
                (
                    "most_a_year",
                    models.PositiveSmallIntegerField(
                        default=10,
                        help_text="Of one member, in any 365 days. Whoever comes after that joins without gifts.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="most friends in a year",
                    ),
                ),
                (
                    "expiry_months",
                    models.PositiveSmallIntegerField(
                        default=12,
                        help_text="Of the points, then to the end of that month.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="expiry months",
                    ),
                ),
                ("is_active", models.BooleanField(default=False, verbose_name="in force")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "advocate_batch",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.couponbatch",
                        verbose_name="coupon for the member",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "friend_batch",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.couponbatch",
                        verbose_name="coupon for the friend",
                    ),
                ),
            ],
            options={
                "verbose_name": "offer for bringing friends",
                "verbose_name_plural": "offers for bringing friends",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_active", True)),
                        fields=("is_active",),
                        name="referraloffer_one_in_force",
                        violation_error_message="Another offer is in force. Switch that one off first.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("friend_points__gt", 0),
                            ("advocate_points__gt", 0),
                            ("friend_batch__isnull", False),
                            ("advocate_batch__isnull", False),
                            _connector="OR",
                        ),
                        name="referraloffer_gives_something",
                        violation_error_message="Say what the friend or the member gets.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expiry_months__gt", 0), ("most_a_year__gt", 0), ("return_days__lte", 365)),
                        name="referraloffer_has_sensible_bounds",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Referral",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for a purchase"),
                            ("held", "to be looked at"),
                            ("given", "gift given"),
                            ("refused", "refused"),
                            ("capped", "above the most in a year"),
                        ],
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "doubts",
                    models.JSONField(
                        blank=True, default=list, help_text="Keys of the reasons to look.", verbose_name="doubts"
                    ),
                ),
                (
                    "address_digest",
                    models.CharField(editable=False, max_length=64, verbose_name="digest of the address"),
                ),
                (
                    "device_digest",
                    models.CharField(blank=True, editable=False, max_length=64, verbose_name="digest of the device"),
                ),
                ("joined_at", models.DateTimeField(verbose_name="joined at")),
                ("friend_given_at", models.DateTimeField(blank=True, null=True, verbose_name="friend's gift given at")),
                ("given_at", models.DateTimeField(blank=True, null=True, verbose_name="member's gift given at")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided at")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals",
                        to="customers.customer",
                        verbose_name="member",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "friend",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referred_by",
                        to="customers.customer",
                        verbose_name="friend",
                    ),
                ),
                (
                    "purchase",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.purchase",
                        verbose_name="first kept purchase",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals",
                        to="rewards.referraloffer",
                        verbose_name="offer",
                    ),
                ),
            ],
            options={
                "verbose_name": "referral",
                "verbose_name_plural": "referrals",
                "indexes": [
                    models.Index(fields=["customer", "-joined_at"], name="referral_of_member"),
                    models.Index(fields=["address_digest"], name="referral_address"),
                    models.Index(fields=["device_digest", "-joined_at"], name="referral_device"),
                    models.Index(condition=models.Q(("state", "waiting")), fields=["id"], name="referral_waiting"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("friend", models.F("customer")), _negated=True),
                        name="referral_is_of_somebody_else",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("given_at__isnull", False), ("purchase__isnull", False), ("state", "given")),
                            models.Q(models.Q(("state", "given"), _negated=True), ("given_at", None)),
                            _connector="OR",
                        ),
                        name="referral_given_for_a_purchase",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "capped"), _negated=True), ("friend_given_at", None), _connector="OR"
                        ),
                        name="referral_above_the_most_gives_nothing",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reward",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=60, unique=True, verbose_name="slug")),
                ("name_en", models.CharField(max_length=100, verbose_name="name (English)")),
                ("name_zh", models.CharField(blank=True, max_length=100, verbose_name="name (Chinese)")),
                ("description_en", models.TextField(blank=True, verbose_name="description (English)")),
                ("description_zh", models.TextField(blank=True, verbose_name="description (Chinese)")),
                ("points_cost", models.PositiveIntegerField(default=0, verbose_name="points cost")),
                (
                    "price",
                    models.PositiveBigIntegerField(
                        default=0, help_text="Paid in money on top, in the currency's minor unit.", verbose_name="price"
                    ),
                ),
                (
                    "cost_price",
                    models.PositiveBigIntegerField(
                        default=0, help_text="What it costs the shop, in the minor unit.", verbose_name="cost price"
                    ),
                ),
                (
                    "stock",
                    models.PositiveIntegerField(
                        blank=True, help_text="Empty is without limit.", null=True, verbose_name="stock"
                    ),
                ),
                ("taken", models.PositiveIntegerField(default=0, editable=False, verbose_name="taken")),
                (
                    "per_customer",
                    models.PositiveIntegerField(
                        blank=True, help_text="Empty is without limit.", null=True, verbose_name="per customer"
                    ),
                ),
                (
                    "segment",
                    models.SlugField(
                        blank=True,
                        help_text="Only these customers see it. Empty is everybody.",
                        max_length=60,
                        verbose_name="segment",
                    ),
                ),
                (
                    "pick_up_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="To the end of the last day; then the order is cancelled and the points go back. Not for coupons.",
                        verbose_name="days to pick it up",
                    ),
                ),
                (
                    "icon",
                    models.CharField(
                        choices=[
                            ("gift", "gift"),
                            ("cup", "cup"),
                            ("cake", "cake"),
                            ("ticket", "ticket"),
                            ("bag", "bag"),
                            ("heart", "heart"),
                            ("star", "star"),
                        ],
                        default="gift",
                        max_length=12,
                        verbose_name="drawing",
                    ),
                ),
                ("starts_at", models.DateTimeField(blank=True, null=True, verbose_name="starts at")),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="ends at")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "batch",
                    models.ForeignKey(
                        blank=True,
                        help_text="The coupon that is handed out. Empty is a thing to be picked up.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="rewards.couponbatch",
                        verbose_name="coupon",
                    ),
                ),
            ],
            options={
                "verbose_name": "reward",
                "verbose_name_plural": "rewards",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("points_cost__gt", 0), ("price__gt", 0), _connector="OR"),
                        name="reward_costs_something",
                        violation_error_message="A reward costs points, money or both.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("batch", None), ("price", 0), _connector="OR"),
                        name="reward_coupon_costs_points_alone",
                        violation_error_message="A coupon is paid with points alone: money is taken when a thing is picked up.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("pick_up_days__gte", 1)),
                        name="reward_can_be_picked_up",
                        violation_error_message="Give at least one day to pick it up.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stock", None), ("taken__lte", models.F("stock")), _connector="OR"),
                        name="reward_stock_holds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at", None),
                            ("starts_at", None),
                            ("ends_at__gt", models.F("starts_at")),
                            _connector="OR",
                        ),
                        name="reward_ends_after_start",
                        violation_error_message="The end must lie after the start.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RewardOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "source",
                    models.CharField(
                        help_text="One request takes once.", max_length=200, unique=True, verbose_name="source"
                    ),
                ),
                (
                    "place",
                    models.PositiveIntegerField(
                        help_text="Counts the customer's standing orders of this reward from 1; no two are equal.",
                        verbose_name="place",
                    ),
                ),
                ("points", models.PositiveBigIntegerField(help_text="What was paid in points.", verbose_name="points")),
                (
                    "price",
                    models.PositiveBigIntegerField(
                        default=0,
                        help_text="To be paid in money when it is picked up, in the minor unit.",
                        verbose_name="price",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ordered", "to be picked up"),
                            ("issued", "coupon issued"),
                            ("handed_over", "handed over"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("code_sealed", models.BinaryField(max_length=64, null=True, unique=True, verbose_name="sealed code")),
                ("code_tail", models.CharField(blank=True, editable=False, max_length=4, verbose_name="ends in")),
                ("ordered_at", models.DateTimeField(verbose_name="ordered at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                ("pick_up_until", models.DateTimeField(blank=True, null=True, verbose_name="pick up until")),
                ("handed_over_at", models.DateTimeField(blank=True, null=True, verbose_name="handed over at")),
                ("cancelled_at", models.DateTimeField(blank=True, null=True, verbose_name="cancelled at")),
                (
                    "cancelled_because",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("customer", "by the customer"),
                            ("shop", "by the shop"),
                            ("lapsed", "not picked up in time"),
                        ],
                        max_length=10,
                        verbose_name="cancelled",
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        blank=True, help_text="Why the shop cancelled it.", max_length=300, verbose_name="note"
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Who handed it over or cancelled it; empty for the customer.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "coupon",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reward_order",
                        to="rewards.coupon",
                        verbose_name="coupon",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reward_orders",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "reward",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="rewards.reward",
                        verbose_name="reward",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Where it was handed over.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "reward order",
                "verbose_name_plural": "reward orders",
                "indexes": [
                    models.Index(fields=["customer", "-ordered_at", "-id"], name="rewardorder_of_customer"),
                    models.Index(fields=["reward", "customer"], name="rewardorder_of_reward"),
                    models.Index(
                        condition=models.Q(("state", "ordered")), fields=["pick_up_until"], name="rewardorder_to_lapse"
                    ),
                    models.Index(fields=["-ordered_at", "-id"], name="rewardorder_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "cancelled"), _negated=True),
                        fields=("reward", "customer", "place"),
                        name="rewardorder_place_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("source", ""), _negated=True), name="rewardorder_has_a_source"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("code_sealed", None), ("coupon__isnull", False), ("pick_up_until", None)),
                            models.Q(
                                ("code_sealed__isnull", False), ("coupon", None), ("pick_up_until__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="rewardorder_is_a_coupon_or_a_ticket",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("handed_over_at__isnull", False), ("state", "handed_over")),
                            models.Q(models.Q(("state", "handed_over"), _negated=True), ("handed_over_at", None)),
                            _connector="OR",
                        ),
                        name="rewardorder_handed_over_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("cancelled_at__isnull", False),
                                ("state", "cancelled"),
                                models.Q(("cancelled_because", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", "cancelled"), _negated=True),
                                ("cancelled_at", None),
                                ("cancelled_because", ""),
                            ),
                            _connector="OR",
                        ),
                        name="rewardorder_cancelled_for_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SpendingFreeze",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reason",
                    models.CharField(
                        help_text="For colleagues; no customer's name.", max_length=300, verbose_name="reason"
                    ),
                ),
                ("is_open", models.BooleanField(default=True, editable=False, verbose_name="in force")),
                ("frozen_at", models.DateTimeField(verbose_name="frozen at")),
                ("resumed_at", models.DateTimeField(blank=True, null=True, verbose_name="resumed at")),
                (
                    "frozen_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty when it was done by a command.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="frozen by",
                    ),
                ),
                (
                    "resumed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="resumed by",
                    ),
                ),
            ],
            options={
                "verbose_name": "freeze of spending",
                "verbose_name_plural": "freezes of spending",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resumed_at", None)),
                        fields=("is_open",),
                        name="spendingfreeze_one_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("is_open", True), ("resumed_at", None)),
                            models.Q(("is_open", False), ("resumed_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="spendingfreeze_open_until_resumed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StampCard",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.SlugField(
                        help_text="A short word for tills and files.", max_length=40, unique=True, verbose_name="code"
                    ),
                ),
                ("name_en", models.CharField(max_length=100, verbose_name="name (English)")),
                ("name_zh", models.CharField(blank=True, max_length=100, verbose_name="name (Chinese)")),
                (
                    "icon",
                    models.CharField(
                        choices=[
                            ("cup", "cup"),
                            ("cake", "cake"),
                            ("bag", "bag"),
                            ("gift", "gift"),
                            ("heart", "heart"),
                            ("star", "star"),
                        ],
                        default="cup",
                        max_length=10,
                        verbose_name="drawing",
                    ),
                ),
                (
                    "stamps_needed",
                    models.PositiveSmallIntegerField(
                        default=10,
                        help_text="10 for “ten coffees, the eleventh is free”. Fixed once the first stamp is given.",
                        validators=[
                            django.core.validators.MinValueValidator(2),
                            django.core.validators.MaxValueValidator(50),
                        ],
                        verbose_name="stamps on a full card",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        help_text="A full card is emptied and a coupon of this offer issued, at once. While the offer is paused or has none left, full cards wait.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.couponbatch",
                        verbose_name="what a full card gives",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "verbose_name": "stamp card",
                "verbose_name_plural": "stamp cards",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("stamps_needed__gte", 2), ("stamps_needed__lte", 50)),
                        name="stampcard_has_room_for_stamps",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StampBalance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pending", models.BigIntegerField(default=0, verbose_name="pending")),
                ("active", models.BigIntegerField(default=0, verbose_name="on the card")),
                ("held", models.BigIntegerField(default=0, verbose_name="held")),
                (
                    "debt",
                    models.BigIntegerField(
                        default=0, help_text="Never above 0: the next stamps absorb it first.", verbose_name="debt"
                    ),
                ),
                (
                    "lifetime",
                    models.BigIntegerField(default=0, help_text="All stamps ever earned.", verbose_name="lifetime"),
                ),
                ("sequence", models.PositiveIntegerField(default=0, verbose_name="transactions")),
                ("mac", models.CharField(blank=True, max_length=64, verbose_name="seal")),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="updated at")),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stamp_balances",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "card",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="balances",
                        to="rewards.stampcard",
                        verbose_name="stamp card",
                    ),
                ),
            ],
            options={
                "verbose_name": "stamps of a customer",
                "verbose_name_plural": "stamps of customers",
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "card"), name="stampbalance_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("active__gte", 0),
                            ("debt__lte", 0),
                            ("held__gte", 0),
                            ("lifetime__gte", 0),
                            ("pending__gte", 0),
                        ),
                        name="stampbalance_in_bounds",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EarningRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.SlugField(
                        help_text="The same over all versions of the rule.", max_length=60, verbose_name="key"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("name_en", models.CharField(max_length=100, verbose_name="name (English)")),
                ("name_zh", models.CharField(blank=True, max_length=100, verbose_name="name (Chinese)")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("amount", "per amount"),
                            ("visit", "per visit"),
                            ("item", "per item"),
                            ("event", "per event"),
                            ("multiplier", "multiplier"),
                            ("exclusion", "never earns"),
                            ("cap", "at most"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "event",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("sign_up", "sign-up"),
                            ("birthday", "birthday"),
                            ("review", "review"),
                            ("referral", "referral"),
                            ("survey", "survey answered"),
                        ],
                        max_length=10,
                        verbose_name="event",
                    ),
                ),
                (
                    "points",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="For each amount, visit, item or event; of a cap, the most that can be earned.",
                        verbose_name="points",
                    ),
                ),
                (
                    "cap_per",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("customer_day", "customer and day"),
                            ("programme_month", "the whole programme and month"),
                        ],
                        help_text="Only for rules “at most”: whose points are counted, and over what time.",
                        max_length=20,
                        verbose_name="cap per",
                    ),
                ),
                (
                    "per_amount",
                    models.PositiveBigIntegerField(
                        default=0,
                        help_text="In the currency's minor unit: 100 for one point per euro. Only for rules per amount.",
                        verbose_name="per amount",
                    ),
                ),
                (
                    "multiplier",
                    models.PositiveIntegerField(
                        default=10000,
                        help_text="In basis points: 10,000 is once, 20,000 is double.",
                        verbose_name="multiplier",
                    ),
                ),
                (
                    "weekdays",
                    models.CharField(
                        blank=True,
                        help_text="Digits, 1 is Monday and 7 Sunday: 67 for the weekend. Empty is every day.",
                        max_length=7,
                        verbose_name="weekdays",
                    ),
                ),
                (
                    "from_time",
                    models.TimeField(
                        blank=True, help_text="By the store's clock; empty is all day.", null=True, verbose_name="from"
                    ),
                ),
                (
                    "until_time",
                    models.TimeField(
                        blank=True,
                        help_text="No longer included. Earlier than “from” crosses midnight: 22:00 to 02:00 belongs to the evening's weekday.",
                        null=True,
                        verbose_name="until",
                    ),
                ),
                (
                    "minimum_basket",
                    models.PositiveBigIntegerField(
                        default=0, help_text="In the currency's minor unit.", verbose_name="minimum basket"
                    ),
                ),
                ("starts_at", models.DateTimeField(blank=True, null=True, verbose_name="starts at")),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="ends at")),
                (
                    "expiry",
                    models.CharField(
                        choices=[
                            ("month_end", "months, then to the end of that month"),
                            ("rolling", "months, to the day"),
                            ("fixed", "on a fixed date"),
                            ("inactivity", "months after the last activity, then to the end of that month"),
                            ("never", "never"),
                        ],
                        default="month_end",
                        max_length=10,
                        verbose_name="expiry",
                    ),
                ),
                ("expiry_months", models.PositiveSmallIntegerField(default=12, verbose_name="expiry months")),
                ("expiry_date", models.DateField(blank=True, null=True, verbose_name="expiry date")),
                (
                    "published_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="published at"),
                ),
                ("retired_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="retired at")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.category",
                        verbose_name="category",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.product",
                        verbose_name="product",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.store",
                        verbose_name="store",
                    ),
                ),
                (
                    "stamp_card",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the rule is about points. With a card it gives stamps instead, as many as it says points.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rules",
                        to="rewards.stampcard",
                        verbose_name="stamp card",
                    ),
                ),
            ],
            options={
                "verbose_name": "earning rule",
                "verbose_name_plural": "earning rules",
                "constraints": [
                    models.UniqueConstraint(fields=("key", "version"), name="earningrule_version_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("published_at__isnull", False), ("retired_at", None)),
                        fields=("key",),
                        name="earningrule_one_live_version",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "amount"), _negated=True),
                            models.Q(("per_amount__gt", 0), ("points__gt", 0)),
                            _connector="OR",
                        ),
                        name="earningrule_amount_has_a_rate",
                        violation_error_message="A rule per amount needs points and the amount that earns them.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "event"), models.Q(("event", ""), _negated=True)),
                            models.Q(models.Q(("kind", "event"), _negated=True), ("event", "")),
                            _connector="OR",
                        ),
                        name="earningrule_event_names_its_event",
                        violation_error_message="A rule per event, and only such a rule, names the event.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("category", None),
                                ("kind", "cap"),
                                ("points__gt", 0),
                                ("product", None),
                                models.Q(("cap_per", ""), _negated=True),
                            ),
                            models.Q(models.Q(("kind", "cap"), _negated=True), ("cap_per", "")),
                            _connector="OR",
                        ),
                        name="earningrule_cap_says_how_much_of_what",
                        violation_error_message="A cap, and only a cap, says per what; it needs points, and counts all products.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "exclusion"), _negated=True),
                            ("category__isnull", False),
                            ("product__isnull", False),
                            ("store__isnull", False),
                            _connector="OR",
                        ),
                        name="earningrule_exclusion_names_what",
                        violation_error_message="A rule “never earns” names a product, a category or a store.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("stamp_card", None),
                            models.Q(
                                models.Q(("kind__in", ["event", "exclusion"]), _negated=True),
                                models.Q(("expiry", "inactivity"), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="earningrule_stamps_come_from_purchases",
                        violation_error_message="Stamps come from purchases, and end after months, on a date or never. What never earns is said without a card: it holds for points and all cards.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at", None),
                            ("starts_at", None),
                            ("ends_at__gt", models.F("starts_at")),
                            _connector="OR",
                        ),
                        name="earningrule_ends_after_start",
                        violation_error_message="The end must lie after the start.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("from_time", None), ("until_time", None)),
                            models.Q(
                                ("from_time__isnull", False),
                                ("until_time__isnull", False),
                                models.Q(("from_time", models.F("until_time")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="earningrule_hours_have_two_ends",
                        violation_error_message="Hours need a beginning and an end, and the two differ.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("expiry__in", ["month_end", "rolling", "inactivity"]), _negated=True),
                            ("expiry_months__gt", 0),
                            _connector="OR",
                        ),
                        name="earningrule_expiry_takes_a_month_or_more",
                        violation_error_message="Points last for one month or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("expiry", "fixed"), _negated=True),
                            ("expiry_date__isnull", False),
                            _connector="OR",
                        ),
                        name="earningrule_fixed_expiry_has_a_date",
                        violation_error_message="Expiry on a fixed date needs the date.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("retired_at", None), ("published_at__isnull", False), _connector="OR"),
                        name="earningrule_retired_was_published",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Surprise",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "odds",
                    models.PositiveSmallIntegerField(
                        default=5000,
                        help_text="How many of those drawn get the gift; the others are compared.",
                        verbose_name="odds",
                    ),
                ),
                (
                    "window_days",
                    models.PositiveSmallIntegerField(
                        default=60,
                        help_text="Whoever buys within so many days has come back.",
                        verbose_name="days to come back",
                    ),
                ),
                (
                    "worthwhile",
                    models.PositiveSmallIntegerField(
                        default=500,
                        help_text="The smallest part more that should come back for it to be worth the trouble.",
                        verbose_name="worthwhile effect",
                    ),
                ),
                (
                    "worthwhile_margin",
                    models.PositiveBigIntegerField(
                        default=100,
                        help_text="The smallest gain per customer, after costs, that is worth knowing.",
                        verbose_name="worthwhile gain",
                    ),
                ),
                (
                    "margin_rate",
                    models.PositiveSmallIntegerField(
                        default=5000,
                        help_text="What is left of a sale after the goods are paid.",
                        verbose_name="margin",
                    ),
                ),
                (
                    "message_cost",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="What sending one message costs the shop.",
                        verbose_name="cost of a message",
                    ),
                ),
                ("name", models.CharField(help_text="For staff.", max_length=100, verbose_name="name")),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("purchase", "with a purchase"),
                            ("nth", "with a certain purchase, such as the tenth"),
                            ("birthday", "on the birthday"),
                            ("anniversary", "on the day of enrolment, each year"),
                            ("lapsed", "when somebody stays away longer than usual"),
                            ("tier", "when a tier is reached"),
                            ("unhappy", "after an unhappy answer"),
                            ("blue", "out of the blue"),
                        ],
                        max_length=12,
                        verbose_name="occasion",
                    ),
                ),
                (
                    "threshold",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="The purchase that is celebrated, or how many times the usual pause somebody stays away.",
                        verbose_name="which",
                    ),
                ),
                (
                    "window",
                    models.CharField(
                        choices=[("day", "on the day"), ("week", "in its week"), ("month", "in its month")],
                        default="day",
                        help_text="For birthdays and anniversaries.",
                        max_length=5,
                        verbose_name="when",
                    ),
                ),
                (
                    "chance",
                    models.PositiveSmallIntegerField(
                        default=10000,
                        help_text="How many of the occasions are drawn; out of the blue, how many customers in a month.",
                        verbose_name="chance",
                    ),
                ),
                (
                    "segment",
                    models.CharField(
                        blank=True, help_text="Empty is everybody.", max_length=60, verbose_name="segment"
                    ),
                ),
                (
                    "gift",
                    models.CharField(
                        choices=[
                            ("coupon", "a coupon"),
                            ("points", "points"),
                            ("reward", "a thing of the catalogue"),
                            ("thing", "a thing at the counter"),
                        ],
                        max_length=10,
                        verbose_name="gift",
                    ),
                ),
                ("points", models.PositiveIntegerField(default=0, verbose_name="points")),
                (
                    "thing_en",
                    models.CharField(
                        blank=True, help_text="Such as: a pastry.", max_length=60, verbose_name="thing (English)"
                    ),
                ),
                ("thing_zh", models.CharField(blank=True, max_length=60, verbose_name="thing (Chinese)")),
                (
                    "cost",
                    models.PositiveBigIntegerField(
                        help_text="What one gift costs the shop, in the minor unit.", verbose_name="cost of a gift"
                    ),
                ),
                (
                    "budget",
                    models.PositiveBigIntegerField(help_text="In the minor unit.", verbose_name="budget per month"),
                ),
                (
                    "cooldown_days",
                    models.PositiveSmallIntegerField(
                        default=60,
                        help_text="Nobody is drawn again by a surprise of the same kind of occasion before.",
                        verbose_name="days of rest",
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[("mail", "by mail"), ("till", "at the till")],
                        default="mail",
                        max_length=4,
                        verbose_name="how",
                    ),
                ),
                ("hour_from", models.PositiveSmallIntegerField(default=9, verbose_name="not before the hour")),
                (
                    "hour_until",
                    models.PositiveSmallIntegerField(
                        default=20, help_text="Of the customer's own day.", verbose_name="not after the hour"
                    ),
                ),
                (
                    "waits_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="A gift that is not handed over by then is gone.",
                        verbose_name="days it waits",
                    ),
                ),
                ("subject_en", models.CharField(blank=True, max_length=120, verbose_name="subject (English)")),
                ("subject_zh", models.CharField(blank=True, max_length=120, verbose_name="subject (Chinese)")),
                ("message_en", models.TextField(blank=True, max_length=2000, verbose_name="message (English)")),
                ("message_zh", models.TextField(blank=True, max_length=2000, verbose_name="message (Chinese)")),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="ends at")),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "draft"), ("active", "running"), ("stopped", "stopped")],
                        default="draft",
                        editable=False,
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "stop",
                    models.CharField(
                        blank=True,
                        choices=[("hand", "by hand"), ("end", "its end was reached"), ("harm", "it does not help")],
                        editable=False,
                        max_length=5,
                        verbose_name="stopped because",
                    ),
                ),
                ("stopped_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="stopped at")),
                ("version", models.PositiveIntegerField(default=1, editable=False, verbose_name="version")),
                (
                    "seen_purchase",
                    models.PositiveBigIntegerField(
                        default=0, editable=False, help_text="Purchases up to this one were looked at."
                    ),
                ),
                (
                    "requested_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="drafted at"),
                ),
                (
                    "approved_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="approved at"),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="approved by",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="surprises",
                        to="rewards.couponbatch",
                        verbose_name="coupon",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="drafted by",
                    ),
                ),
                (
                    "reward",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="surprises",
                        to="rewards.reward",
                        verbose_name="thing of the catalogue",
                    ),
                ),
            ],
            options={
                "verbose_name": "surprise",
                "verbose_name_plural": "surprises",
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("odds__gte", 1000), ("odds__lte", 9500)),
                        name="surprise_compares_enough",
                        violation_error_message="Between 10 and 95 of 100 get the gift: without anybody to compare, nobody knows.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("window_days__gte", 1),
                            ("worthwhile__gte", 1),
                            ("worthwhile__lte", 5000),
                            ("worthwhile_margin__gte", 1),
                        ),
                        name="surprise_outcome_can_be_measured",
                        violation_error_message="Give at least one day, and an effect above nothing and at most 50 of 100.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("margin_rate__lte", 10000)),
                        name="surprise_margin_at_most_all",
                        violation_error_message="A margin is at most the whole price.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("batch__isnull", False), ("gift", "coupon")),
                            models.Q(("gift", "points"), ("points__gt", 0)),
                            models.Q(("gift", "reward"), ("reward__isnull", False)),
                            models.Q(("gift", "thing"), models.Q(("thing_en", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="surprise_names_its_gift",
                        violation_error_message="Say which coupon, how many points or which thing is given.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("budget__gte", models.F("cost"))),
                        name="surprise_budget_pays_one",
                        violation_error_message="The budget pays for at least one gift.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("hour_from__lt", models.F("hour_until")), ("hour_until__lte", 24)),
                        name="surprise_hours_are_a_window",
                        violation_error_message="The first hour comes before the last, which is 24 at most.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("chance__gte", 1), ("chance__lte", 10000), ("threshold__gte", 1), ("waits_days__gte", 1)
                        ),
                        name="surprise_can_happen",
                        violation_error_message="A chance is above nothing and at most 100 of 100; a number is at least 1.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state", "stopped"),
                                ("stopped_at__isnull", False),
                                models.Q(("stop", ""), _negated=True),
                            ),
                            models.Q(models.Q(("state", "stopped"), _negated=True), ("stop", ""), ("stopped_at", None)),
                            _connector="OR",
                        ),
                        name="surprise_stops_for_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SurpriseGift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("announced", "announced"),
                            ("given", "given"),
                            ("declined", "declined"),
                            ("lapsed", "not picked up"),
                            ("cancelled", "cancelled"),
                            ("failed", "could not be given"),
                        ],
                        default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("month_date", models.DateField(help_text="Whose budget pays for it.", verbose_name="month")),
                ("not_before", models.DateTimeField(verbose_name="not before")),
                ("waits_until", models.DateTimeField(verbose_name="waits until")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                (
                    "leaked_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="The purchase came back after the gift was used.",
                        null=True,
                        verbose_name="leaked at",
                    ),
                ),
                (
                    "assignment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="gift",
                        to="rewards.assignment",
                        verbose_name="assignment",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "coupon",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.coupon",
                        verbose_name="coupon",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="surprise_gifts",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.rewardorder",
                        verbose_name="order",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.store",
                        verbose_name="store",
                    ),
                ),
                (
                    "surprise",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="gifts",
                        to="rewards.surprise",
                        verbose_name="surprise",
                    ),
                ),
            ],
            options={
                "verbose_name": "gift of a surprise",
                "verbose_name_plural": "gifts of surprises",
                "indexes": [
                    models.Index(fields=["surprise", "state"], name="surprisegift_of_surprise"),
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["not_before"], name="surprisegift_to_deliver"
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "announced"])),
                        fields=["waits_until"],
                        name="surprisegift_to_lapse",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "announced"])),
                        fields=["customer"],
                        name="surprisegift_open",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("state__in", ["waiting", "announced"])),
                            models.Q(
                                models.Q(("state__in", ["waiting", "announced"]), _negated=True),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="surprisegift_ends_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("leaked_at", None), ("state", "given"), _connector="OR"),
                        name="surprisegift_leaks_when_given",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SurpriseMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month_date", models.DateField(verbose_name="month")),
                ("budget", models.PositiveBigIntegerField(verbose_name="budget")),
                ("spent", models.PositiveBigIntegerField(default=0, verbose_name="spent")),
                (
                    "surprise",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="months",
                        to="rewards.surprise",
                    ),
                ),
            ],
            options={
                "verbose_name": "month of a surprise",
                "verbose_name_plural": "months of surprises",
                "constraints": [
                    models.UniqueConstraint(fields=("surprise", "month_date"), name="surprisemonth_once"),
                    models.CheckConstraint(
                        condition=models.Q(("spent__lte", models.F("budget"))), name="surprisemonth_budget_holds"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SurpriseRest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "family",
                    models.CharField(
                        choices=[
                            ("purchase", "buying"),
                            ("calendar", "birthdays and anniversaries"),
                            ("lapsed", "staying away"),
                            ("tier", "tiers"),
                            ("unhappy", "unhappy answers"),
                            ("blue", "out of the blue"),
                        ],
                        max_length=12,
                        verbose_name="kind of occasion",
                    ),
                ),
                ("until_at", models.DateTimeField(verbose_name="until")),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "rest from surprises",
                "verbose_name_plural": "rests from surprises",
                "constraints": [models.UniqueConstraint(fields=("customer", "family"), name="surpriserest_once")],
            },
        ),
        migrations.CreateModel(
            name="Tier",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.SlugField(max_length=40, unique=True, verbose_name="code")),
                ("name_en", models.CharField(max_length=100, verbose_name="name (English)")),
                ("name_zh", models.CharField(blank=True, max_length=100, verbose_name="name (Chinese)")),
                (
                    "rank",
                    models.PositiveSmallIntegerField(
                        help_text="0 is where everybody starts.", unique=True, verbose_name="rank"
                    ),
                ),
                (
                    "metric",
                    models.CharField(
                        choices=[
                            ("spend", "net spend in 12 months"),
                            ("points", "points earned in 12 months"),
                            ("visits", "visits in 12 months"),
                        ],
                        default="spend",
                        max_length=10,
                        verbose_name="metric",
                    ),
                ),
                (
                    "threshold",
                    models.PositiveBigIntegerField(
                        default=0,
                        help_text="In the minor unit, points or visits; 0 is given by staff alone.",
                        verbose_name="threshold",
                    ),
                ),
                (
                    "multiplier",
                    models.PositiveIntegerField(
                        default=10000,
                        help_text="In basis points: 10,000 is once, 12,500 is a quarter more.",
                        verbose_name="multiplier",
                    ),
                ),
            ],
            options={
                "verbose_name": "tier",
                "verbose_name_plural": "tiers",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("multiplier__gte", 10000)), name="tier_never_takes_away")
                ],
            },
        ),
        migrations.AddField(
            model_name="reward",
            name="minimum_tier",
            field=models.ForeignKey(
                blank=True,
                help_text="Everybody sees it; who is in this tier or a higher one can take it. Empty is everybody.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="rewards.tier",
                verbose_name="minimum tier",
            ),
        ),
        migrations.AddField(
            model_name="couponbatch",
            name="tiers",
            field=models.ManyToManyField(
                blank=True, help_text="Empty is all.", related_name="+", to="rewards.tier", verbose_name="tiers"
            ),
        ),
        migrations.CreateModel(
            name="TierMembership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                (
                    "qualified_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="The twelve months up to here reached the tier; empty when they did not have to.",
                        null=True,
                        verbose_name="qualified at",
                    ),
                ),
                ("kept_until", models.DateTimeField(verbose_name="kept until")),
                (
                    "grace_until",
                    models.DateTimeField(
                        blank=True,
                        help_text="Set with the warning; the step down comes then.",
                        null=True,
                        verbose_name="grace until",
                    ),
                ),
                (
                    "ended_at",
                    models.DateTimeField(
                        blank=True, help_text="Empty while it goes on.", null=True, verbose_name="ended at"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("reached", "reached"),
                            ("granted", "granted by staff"),
                            ("stepped_down", "stepped down"),
                            ("refunded", "purchases came back"),
                            ("withdrawn", "withdrawn by staff"),
                        ],
                        max_length=12,
                        verbose_name="began because",
                    ),
                ),
                (
                    "end_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("reached", "reached"),
                            ("granted", "granted by staff"),
                            ("stepped_down", "stepped down"),
                            ("refunded", "purchases came back"),
                            ("withdrawn", "withdrawn by staff"),
                        ],
                        max_length=12,
                        verbose_name="ended because",
                    ),
                ),
                (
                    "note",
                    models.CharField(blank=True, help_text="Why staff gave it.", max_length=300, verbose_name="note"),
                ),
                (
                    "end_note",
                    models.CharField(
                        blank=True, help_text="Why staff took it.", max_length=300, verbose_name="note at the end"
                    ),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tier_memberships",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="ended by",
                    ),
                ),
                (
                    "tier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="rewards.tier",
                        verbose_name="tier",
                    ),
                ),
            ],
            options={
                "verbose_name": "tier membership",
                "verbose_name_plural": "tier memberships",
                "indexes": [
                    models.Index(fields=["customer", "started_at"], name="tiermembership_of_customer"),
                    models.Index(
                        condition=models.Q(("ended_at", None)), fields=["kept_until"], name="tiermembership_kept"
                    ),
                    models.Index(
                        condition=models.Q(("ended_at", None), ("grace_until__isnull", False)),
                        fields=["grace_until"],
                        name="tiermembership_grace",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("customer",),
                        name="tiermembership_one_open_per_customer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("end_reason", ""), ("ended_at", None)),
                            models.Q(
                                ("ended_at__gte", models.F("started_at")),
                                ("ended_at__isnull", False),
                                models.Q(("end_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="tiermembership_ends_for_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("grace_until", None), ("grace_until__gte", models.F("kept_until")), _connector="OR"
                        ),
                        name="tiermembership_grace_comes_after",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TillAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="key")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("enrol", "enrolment"),
                            ("sale", "sale"),
                            ("coupon", "coupon without a sale"),
                            ("return", "return"),
                            ("undo", "undone"),
                            ("pickup", "reward handed over"),
                            ("card_sold", "gift card sold"),
                            ("card_filled", "stored value topped up"),
                            ("card_spent", "stored value spent"),
                        ],
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                ("till", models.CharField(max_length=40, verbose_name="till")),
                (
                    "source",
                    models.CharField(
                        blank=True,
                        help_text="Key of what it moved besides points and goods.",
                        max_length=200,
                        verbose_name="source",
                    ),
                ),
                (
                    "money",
                    models.BigIntegerField(
                        default=0,
                        help_text="Into the drawer, below 0 out of it; in the minor unit.",
                        verbose_name="money",
                    ),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "coupon_use",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="till_actions",
                        to="rewards.couponuse",
                        verbose_name="coupon use",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="till_actions",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "goods_back",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="till_action",
                        to="customers.return",
                        verbose_name="return",
                    ),
                ),
                (
                    "purchase",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="till_actions",
                        to="customers.purchase",
                        verbose_name="purchase",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.store",
                        verbose_name="store",
                    ),
                ),
                (
                    "undoes",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undone_by",
                        to="rewards.tillaction",
                        verbose_name="undoes",
                    ),
                ),
            ],
            options={
                "verbose_name": "till action",
                "verbose_name_plural": "till actions",
                "indexes": [models.Index(fields=["store", "-occurred_at", "-id"], name="tillaction_of_store")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "undo"), ("undoes__isnull", False)),
                            models.Q(models.Q(("kind", "undo"), _negated=True), ("undoes", None)),
                            _connector="OR",
                        ),
                        name="tillaction_undo_names_what_it_undoes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "sale"), _negated=True), ("purchase__isnull", False), _connector="OR"
                        ),
                        name="tillaction_sale_has_a_purchase",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "return"), _negated=True), ("goods_back__isnull", False), _connector="OR"
                        ),
                        name="tillaction_return_has_goods",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Trial",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "odds",
                    models.PositiveSmallIntegerField(
                        default=5000,
                        help_text="How many of those drawn get the gift; the others are compared.",
                        verbose_name="odds",
                    ),
                ),
                (
                    "window_days",
                    models.PositiveSmallIntegerField(
                        default=60,
                        help_text="Whoever buys within so many days has come back.",
                        verbose_name="days to come back",
                    ),
                ),
                (
                    "worthwhile",
                    models.PositiveSmallIntegerField(
                        default=500,
                        help_text="The smallest part more that should come back for it to be worth the trouble.",
                        verbose_name="worthwhile effect",
                    ),
                ),
                (
                    "worthwhile_margin",
                    models.PositiveBigIntegerField(
                        default=100,
                        help_text="The smallest gain per customer, after costs, that is worth knowing.",
                        verbose_name="worthwhile gain",
                    ),
                ),
                (
                    "margin_rate",
                    models.PositiveSmallIntegerField(
                        default=5000,
                        help_text="What is left of a sale after the goods are paid.",
                        verbose_name="margin",
                    ),
                ),
                (
                    "message_cost",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="What sending one message costs the shop.",
                        verbose_name="cost of a message",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("surprise", "surprise"), ("coupons", "coupons"), ("survey", "survey reward")],
                        max_length=10,
                        verbose_name="of what",
                    ),
                ),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="key")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "base",
                    models.PositiveSmallIntegerField(
                        help_text="How many came back anyway when it began; a guess in a young shop.",
                        verbose_name="share before",
                    ),
                ),
                (
                    "planned",
                    models.PositiveIntegerField(
                        help_text="With so many the answer is sharpest.", verbose_name="planned customers"
                    ),
                ),
                ("opened_at", models.DateTimeField(verbose_name="opened at")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed at")),
                (
                    "is_cut_short",
                    models.BooleanField(
                        default=False,
                        help_text="Stopped because of what it showed, or by hand.",
                        verbose_name="cut short",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "verbose_name": "trial",
                "verbose_name_plural": "trials",
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("odds__gte", 1000), ("odds__lte", 9500)),
                        name="trial_compares_enough",
                        violation_error_message="Between 10 and 95 of 100 get the gift: without anybody to compare, nobody knows.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("window_days__gte", 1),
                            ("worthwhile__gte", 1),
                            ("worthwhile__lte", 5000),
                            ("worthwhile_margin__gte", 1),
                        ),
                        name="trial_outcome_can_be_measured",
                        violation_error_message="Give at least one day, and an effect above nothing and at most 50 of 100.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("margin_rate__lte", 10000)),
                        name="trial_margin_at_most_all",
                        violation_error_message="A margin is at most the whole price.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("is_cut_short", False)),
                            ("closed_at__gte", models.F("opened_at")),
                            _connector="OR",
                        ),
                        name="trial_closes_after_opening",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="surprise",
            name="trial",
            field=models.OneToOneField(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="surprise",
                to="rewards.trial",
                verbose_name="trial",
            ),
        ),
        migrations.CreateModel(
            name="CouponPlan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1,
                        help_text="Counts the changes; what was approved is one version.",
                        verbose_name="version",
                    ),
                ),
                (
                    "audience",
                    models.CharField(
                        choices=[
                            ("later", "nobody yet: coupons are issued later, one by one or from the batch"),
                            ("segment", "a segment of the customers"),
                            ("list", "a list of customers"),
                            ("codes", "codes without a name, for print or another channel"),
                        ],
                        default="later",
                        max_length=10,
                        verbose_name="audience",
                    ),
                ),
                ("segment", models.CharField(blank=True, max_length=60, verbose_name="segment")),
                ("customer_ids", models.JSONField(blank=True, default=list, verbose_name="list")),
                ("codes", models.PositiveIntegerField(default=0, verbose_name="codes")),
                ("has_mail", models.BooleanField(default=False, verbose_name="with a mail")),
                ("subject_en", models.CharField(blank=True, max_length=120, verbose_name="subject (English)")),
                ("subject_zh", models.CharField(blank=True, max_length=120, verbose_name="subject (Chinese)")),
                ("message_en", models.TextField(blank=True, max_length=2000, verbose_name="message (English)")),
                ("message_zh", models.TextField(blank=True, max_length=2000, verbose_name="message (Chinese)")),
                (
                    "holdout",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="How many of the customers get nothing, so that the effect can be measured; 0 measures nothing.",
                        verbose_name="compared",
                    ),
                ),
                (
                    "estimate",
                    models.JSONField(
                        default=dict,
                        editable=False,
                        help_text="The figures on the page when it was last saved.",
                        verbose_name="estimate",
                    ),
                ),
                ("requested_at", models.DateTimeField(verbose_name="drafted at")),
                ("approved_at", models.DateTimeField(blank=True, null=True, verbose_name="approved at")),
                (
                    "finished_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When all coupons were issued and all mails queued.",
                        null=True,
                        verbose_name="finished at",
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="approved by",
                    ),
                ),
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="plan",
                        to="rewards.couponbatch",
                        verbose_name="batch",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="drafted by",
                    ),
                ),
                (
                    "trial",
                    models.OneToOneField(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="plan",
                        to="rewards.trial",
                        verbose_name="trial",
                    ),
                ),
            ],
            options={
                "verbose_name": "coupon plan",
                "verbose_name_plural": "coupon plans",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("approved_at", None), ("approved_by", None)),
                            models.Q(("approved_at__isnull", False), ("approved_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="couponplan_approval_has_person_and_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("audience", "segment"), _negated=True),
                            models.Q(("segment", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="couponplan_names_a_segment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("audience", "codes"), _negated=True), ("codes__gt", 0), _connector="OR"
                        ),
                        name="couponplan_counts_its_codes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("has_mail", False), ("audience__in", ["segment", "list"]), _connector="OR"),
                        name="couponplan_mails_to_customers",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("holdout", 0),
                            models.Q(
                                ("audience__in", ["segment", "list"]), ("holdout__gte", 500), ("holdout__lte", 5000)
                            ),
                            _connector="OR",
                        ),
                        name="couponplan_compares_customers",
                        violation_error_message="Between 5 and 50 of 100 customers of a segment or a list can be compared.",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="assignment",
            name="trial",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="assignments",
                to="rewards.trial",
                verbose_name="trial",
            ),
        ),
        migrations.CreateModel(
            name="ValueAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("gift_card", "gift card"), ("store_credit", "store credit")],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("code_sealed", models.BinaryField(max_length=64, null=True, unique=True, verbose_name="sealed code")),
                ("code_tail", models.CharField(blank=True, editable=False, max_length=4, verbose_name="ends in")),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "active"), ("blocked", "blocked")],
                        default="active",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("block_reason", models.CharField(blank=True, max_length=200, verbose_name="blocked because")),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, help_text="Empty is never.", null=True, verbose_name="expires at"),
                ),
                (
                    "paid",
                    models.BigIntegerField(
                        default=0, help_text="What is left of the money that was paid in.", verbose_name="paid"
                    ),
                ),
                (
                    "promotional",
                    models.BigIntegerField(
                        default=0, help_text="What is left of what the shop gave on top.", verbose_name="given"
                    ),
                ),
                ("sequence", models.PositiveIntegerField(default=0, verbose_name="movements")),
                ("mac", models.CharField(blank=True, max_length=64, verbose_name="seal")),
                ("opened_at", models.DateTimeField(verbose_name="opened at")),
                ("claimed_at", models.DateTimeField(blank=True, null=True, verbose_name="claimed at")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: whoever shows the card.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="value_accounts",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "gift card or store credit",
                "verbose_name_plural": "gift cards and store credit",
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("expires_at__isnull", False),
                            models.Q(("paid__gt", 0), ("promotional__gt", 0), _connector="OR"),
                        ),
                        fields=["expires_at"],
                        name="valueaccount_to_expire",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("paid__gte", 0), ("promotional__gte", 0)),
                        name="valueaccount_never_below_zero",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("code_sealed__isnull", False),
                                ("kind", "gift_card"),
                                models.Q(("code_tail", ""), _negated=True),
                            ),
                            models.Q(
                                ("code_sealed", None),
                                ("code_tail", ""),
                                ("customer__isnull", False),
                                ("kind", "store_credit"),
                            ),
                            _connector="OR",
                        ),
                        name="valueaccount_has_a_code_or_an_owner",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "store_credit")),
                        fields=("customer",),
                        name="valueaccount_one_credit_per_customer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "blocked"), models.Q(("block_reason", ""), _negated=True)),
                            models.Q(("block_reason", ""), ("state", "active")),
                            _connector="OR",
                        ),
                        name="valueaccount_blocked_for_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ValueMovement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "sequence",
                    models.PositiveIntegerField(
                        help_text="Counts the account's movements from 1, without a gap.", verbose_name="number"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("sold", "sold"),
                            ("topped_up", "topped up"),
                            ("granted", "granted"),
                            ("spent", "spent"),
                            ("refunded", "given back"),
                            ("reversed", "taken back"),
                            ("expired", "expired"),
                            ("adjusted", "adjusted"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "paid",
                    models.BigIntegerField(help_text="Money that was paid in, in the minor unit.", verbose_name="paid"),
                ),
                (
                    "promotional",
                    models.BigIntegerField(help_text="What the shop gave, in the minor unit.", verbose_name="given"),
                ),
                ("paid_after", models.BigIntegerField(verbose_name="paid after it")),
                ("promotional_after", models.BigIntegerField(verbose_name="given after it")),
                (
                    "source",
                    models.CharField(
                        help_text="Stable key of the cause; one cause moves once.",
                        max_length=200,
                        unique=True,
                        verbose_name="source",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="A word of a closed list.", max_length=40, verbose_name="reason"
                    ),
                ),
                (
                    "note",
                    models.CharField(blank=True, help_text="For the customer.", max_length=300, verbose_name="note"),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                ("key_number", models.PositiveSmallIntegerField(verbose_name="key number")),
                ("mac", models.CharField(max_length=64, verbose_name="seal")),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="movements",
                        to="rewards.valueaccount",
                        verbose_name="gift card or store credit",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="value_movements",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "purchase",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="value_movements",
                        to="customers.purchase",
                        verbose_name="purchase",
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        blank=True,
                        help_text="What this row gives or takes back, in whole or in part.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="rewards.valuemovement",
                        verbose_name="reverses",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "movement of value",
                "verbose_name_plural": "movements of value",
                "indexes": [models.Index(fields=["-occurred_at", "-id"], name="valuemovement_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "sequence"), name="valuemovement_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(("paid", 0), ("promotional", 0), _negated=True),
                        name="valuemovement_moves_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("paid_after__gte", 0), ("promotional_after__gte", 0)),
                        name="valuemovement_never_below_zero",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind__in", ["sold", "topped_up", "granted", "refunded"]),
                                ("paid__gte", 0),
                                ("promotional__gte", 0),
                            ),
                            models.Q(
                                ("kind__in", ["spent", "reversed", "expired"]),
                                ("paid__lte", 0),
                                ("promotional__lte", 0),
                            ),
                            ("kind", "adjusted"),
                            _connector="OR",
                        ),
                        name="valuemovement_goes_the_right_way",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("source", ""), _negated=True), name="valuemovement_has_a_source"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="VintageMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("vintage_date", models.DateField(help_text="The month's first day.", verbose_name="spendable from")),
                ("month_date", models.DateField(help_text="Of the movements; its first day.", verbose_name="month")),
                ("opened", models.BigIntegerField(default=0, verbose_name="issued")),
                (
                    "redeemed",
                    models.BigIntegerField(
                        default=0, help_text="Spent or on hold, less what was given back.", verbose_name="spent"
                    ),
                ),
                ("expired", models.BigIntegerField(default=0, verbose_name="expired")),
                (
                    "other",
                    models.BigIntegerField(
                        default=0,
                        help_text="Taken back with goods, written off, adjusted or transferred.",
                        verbose_name="other",
                    ),
                ),
            ],
            options={
                "verbose_name": "month of a vintage",
                "verbose_name_plural": "months of vintages",
                "constraints": [
                    models.UniqueConstraint(fields=("vintage_date", "month_date"), name="vintagemonth_once"),
                    models.CheckConstraint(condition=models.Q(("opened__gte", 0)), name="vintagemonth_opens_points"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AdjustmentRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(editable=False, unique=True, verbose_name="key")),
                ("points", models.BigIntegerField(help_text="Above 0 gives, below 0 takes.", verbose_name="points")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("goodwill", "goodwill"),
                            ("missing_purchase", "purchase without card"),
                            ("complaint", "complaint"),
                            ("correction", "correction of a mistake"),
                            ("event", "event or promotion"),
                            ("misuse", "misuse"),
                        ],
                        max_length=40,
                        verbose_name="reason",
                    ),
                ),
                ("note", models.CharField(help_text="For the customer.", max_length=300, verbose_name="note")),
                ("staff_note", models.CharField(blank=True, max_length=300, verbose_name="note for colleagues")),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=1,
                        help_text="Grows with each change: who approves must have seen the latest.",
                        verbose_name="version",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "waiting"),
                            ("approved", "approved"),
                            ("refused", "refused"),
                            ("lapsed", "lapsed"),
                        ],
                        default="pending",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="requested at")),
                ("expires_at", models.DateTimeField(verbose_name="until")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided at")),
                (
                    "answer",
                    models.CharField(
                        blank=True, help_text="For the one who asked.", max_length=300, verbose_name="reply"
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="requested by",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustment_requests",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
            ],
            options={
                "verbose_name": "adjustment request",
                "verbose_name_plural": "adjustment requests",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["expires_at"],
                        name="adjustmentrequest_pending",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("points", 0), _negated=True), name="adjustmentrequest_moves_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "approved"), _negated=True),
                            models.Q(
                                ("decided_by__isnull", False), models.Q(("decided_by", models.F("by")), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="adjustmentrequest_approved_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("state", "pending")),
                            models.Q(models.Q(("state", "pending"), _negated=True), ("decided_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="adjustmentrequest_decided_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CapUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.SlugField(help_text="Of the rule, whatever its version.", max_length=60, verbose_name="key"),
                ),
                (
                    "period_date",
                    models.DateField(help_text="The day, or the first of the month.", verbose_name="period"),
                ),
                ("points", models.BigIntegerField(default=0, verbose_name="points")),
                ("trimmed", models.BigIntegerField(default=0, verbose_name="cut off")),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty for the whole programme.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "use of a cap",
                "verbose_name_plural": "uses of caps",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("customer__isnull", False)),
                        fields=("key", "customer", "period_date"),
                        name="capuse_once_per_customer",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("customer", None)),
                        fields=("key", "period_date"),
                        name="capuse_once_per_programme",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("points__gte", 0), ("trimmed__gte", 0)), name="capuse_only_grows"
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="surprise",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("approved_at", None), ("approved_by", None), ("state", "draft"), ("trial", None)),
                    models.Q(
                        ("approved_at__isnull", False),
                        ("approved_by__isnull", False),
                        ("state__in", ["active", "stopped"]),
                        ("trial__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="surprise_runs_when_approved",
            ),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(fields=["trial", "closes_at"], name="assignment_of_trial"),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.UniqueConstraint(fields=("trial", "key"), name="assignment_once_per_occasion"),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.UniqueConstraint(
                fields=("trial", "customer", "number"), name="assignment_counts_occasions"
            ),
        ),
    ]
