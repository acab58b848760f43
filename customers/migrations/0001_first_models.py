import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import customers.models.api_key
import customers.models.store
import customers.models.webhook


class Migration(migrations.Migration):
    """People, stores, purchases, and what the portal knows and owes them.

    Indexes and constraints lie in the models' options: as steps of their own they made a new database wait 30 s longer.
    """

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Category",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.CharField(
                        help_text="Stable; imports use it.", max_length=100, unique=True, verbose_name="code"
                    ),
                ),
                ("name_en", models.CharField(max_length=100, verbose_name="name (English)")),
                ("name_zh", models.CharField(blank=True, max_length=100, verbose_name="name (Chinese)")),
                (
                    "is_sensitive",
                    models.BooleanField(
                        default=False, help_text="Never recommended, such as medicine.", verbose_name="sensitive"
                    ),
                ),
            ],
            options={
                "verbose_name": "category",
                "verbose_name_plural": "categories",
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "member_number",
                    models.CharField(
                        help_text="Printed on the card and in the QR code.",
                        max_length=32,
                        unique=True,
                        verbose_name="member number",
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=150, verbose_name="name")),
                (
                    "name_folded",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        editable=False,
                        help_text="Written with the name; beginnings are searched in it.",
                        max_length=150,
                        verbose_name="name, folded",
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        choices=[("en", "English"), ("zh-hans", "Simplified Chinese")],
                        help_text="For pages and mails; empty follows the browser, and English in mails.",
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        blank=True,
                        help_text="Empty is the programme's.",
                        max_length=60,
                        validators=[customers.models.store.validate_time_zone],
                        verbose_name="time zone",
                    ),
                ),
                ("birthday", models.DateField(blank=True, null=True, verbose_name="birthday")),
                (
                    "birthday_set_at",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="When the customer chose it themselves; they do so once.",
                        null=True,
                        verbose_name="birthday set at",
                    ),
                ),
                (
                    "wants_reminders",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Mails before points expire; notices about the account leave in any case.",
                        verbose_name="wants reminders",
                    ),
                ),
                (
                    "is_personalised",
                    models.BooleanField(
                        default=True,
                        help_text="Off: no recommendation or surprise is chosen from the purchases.",
                        verbose_name="personalised",
                    ),
                ),
                (
                    "spending_held_until",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="Nobody spends points of this customer before: the e-mail address has just changed.",
                        null=True,
                        verbose_name="spending held until",
                    ),
                ),
                ("enrolled_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="enrolled at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                ("erased_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="erased at")),
                (
                    "disliked_categories",
                    models.ManyToManyField(
                        blank=True,
                        help_text="By the customer's own word: further down among the recommendations.",
                        related_name="+",
                        to="customers.category",
                        verbose_name="would rather not see",
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="customers.customer",
                        verbose_name="merged into",
                    ),
                ),
                (
                    "preferred_categories",
                    models.ManyToManyField(
                        blank=True,
                        help_text="By the customer's own word: a little higher among the recommendations.",
                        related_name="+",
                        to="customers.category",
                        verbose_name="likes",
                    ),
                ),
            ],
            options={
                "verbose_name": "customer",
                "verbose_name_plural": "customers",
                "indexes": [
                    models.Index(
                        fields=["name_folded"], name="customer_name_begins", opclasses=["varchar_pattern_ops"]
                    ),
                    models.Index(fields=["enrolled_at"], name="customer_enrolled_at"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("member_number", ""), _negated=True), name="customer_has_a_member_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("merged_into", models.F("pk")), _negated=True),
                        name="customer_not_merged_into_itself",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("queue", models.SlugField(max_length=20, unique=True, verbose_name="queue")),
                ("beat_at", models.DateTimeField(verbose_name="last beat at")),
            ],
            options={
                "verbose_name": "heartbeat",
                "verbose_name_plural": "heartbeats",
            },
        ),
        migrations.CreateModel(
            name="StandingNight",
            fields=[
                ("day_date", models.DateField(primary_key=True, serialize=False, verbose_name="day")),
                ("finished_at", models.DateTimeField(verbose_name="finished at")),
                ("customers", models.PositiveIntegerField(verbose_name="customers")),
                ("changed", models.PositiveIntegerField(verbose_name="changed")),
                (
                    "forecast",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Parameters, and by tenths of customers what was forecast half a year ago and what happened.",
                        verbose_name="forecast",
                    ),
                ),
            ],
            options={
                "verbose_name": "night of standings",
                "verbose_name_plural": "nights of standings",
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        help_text="Stored in lower case.", max_length=254, unique=True, verbose_name="e-mail"
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=150, verbose_name="name")),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        choices=[("en", "English"), ("zh-hans", "Simplified Chinese")],
                        help_text="Empty follows the browser.",
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                ("is_staff", models.BooleanField(default=False, help_text="May open the admin.", verbose_name="staff")),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="Switch off instead of deleting.", verbose_name="active"
                    ),
                ),
                (
                    "joined_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="joined at"),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("email"), name="user_email_once_whatever_the_case"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "label",
                    models.CharField(
                        help_text="Who uses it, such as “Till 2” or “Web shop”.", max_length=100, verbose_name="label"
                    ),
                ),
                (
                    "till",
                    models.CharField(
                        blank=True,
                        help_text="The key acts for this till only. Empty is any till.",
                        max_length=40,
                        verbose_name="till",
                    ),
                ),
                (
                    "scopes",
                    models.JSONField(
                        default=list,
                        help_text="Give a key no more than its program needs.",
                        validators=[customers.models.api_key.validate_scopes],
                        verbose_name="scopes",
                    ),
                ),
                ("public_id", models.CharField(editable=False, max_length=8, unique=True, verbose_name="key")),
                (
                    "client",
                    models.CharField(
                        editable=False,
                        help_text="The first key of this till or shop; a rotated key continues it, its repeated requests included.",
                        max_length=8,
                        verbose_name="client",
                    ),
                ),
                ("secret_digest", models.BinaryField(max_length=32, verbose_name="digest of the secret")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, help_text="Empty is never.", null=True, verbose_name="expires at"),
                ),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="revoked at")),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, editable=False, help_text="To the minute.", null=True, verbose_name="last used at"
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
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
                "indexes": [models.Index(fields=["client"], name="apikey_of_client")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("public_id", ""), _negated=True), name="apikey_has_a_public_id"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at", None), ("expires_at__gt", models.F("created_at")), _connector="OR"
                        ),
                        name="apikey_expires_after_its_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BuyingMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month_date", models.DateField(help_text="Its first day.", unique=True, verbose_name="month")),
                ("buyers", models.PositiveIntegerField(verbose_name="customers who bought")),
                (
                    "repeaters",
                    models.PositiveIntegerField(
                        help_text="Within 60 days of their first purchase of the month.", verbose_name="bought again"
                    ),
                ),
                ("newest_purchase", models.BigIntegerField(default=0, editable=False, verbose_name="newest purchase")),
                ("newest_return", models.BigIntegerField(default=0, editable=False, verbose_name="newest return")),
                (
                    "changes",
                    models.PositiveIntegerField(
                        default=0,
                        editable=False,
                        help_text="Merges, undone merges and erasures so far.",
                        verbose_name="changes of customers",
                    ),
                ),
                ("counted_at", models.DateTimeField(verbose_name="counted at")),
            ],
            options={
                "verbose_name": "month of purchases",
                "verbose_name_plural": "months of purchases",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("repeaters__lte", models.F("buyers"))),
                        name="buyingmonth_repeaters_are_buyers",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CohortMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cohort_date", models.DateField(help_text="The month's first day.", verbose_name="first bought in")),
                ("month_date", models.DateField(help_text="Its first day.", verbose_name="month")),
                ("customers", models.PositiveIntegerField(verbose_name="customers")),
            ],
            options={
                "verbose_name": "month of a cohort",
                "verbose_name_plural": "months of cohorts",
                "constraints": [
                    models.UniqueConstraint(fields=("cohort_date", "month_date"), name="cohortmonth_once"),
                    models.CheckConstraint(
                        condition=models.Q(("month_date__gte", models.F("cohort_date"))),
                        name="cohortmonth_not_before_its_cohort",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RecommendationList",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="recommendation_list",
                        serialize=False,
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                ("items", models.JSONField(default=list, verbose_name="items")),
                (
                    "newest_purchase",
                    models.BigIntegerField(
                        default=0, help_text="The latest receipt that the list knows.", verbose_name="newest purchase"
                    ),
                ),
                ("made_at", models.DateTimeField(verbose_name="made at")),
            ],
            options={
                "verbose_name": "list of recommendations",
                "verbose_name_plural": "lists of recommendations",
            },
        ),
        migrations.AddField(
            model_name="customer",
            name="user",
            field=models.OneToOneField(
                blank=True,
                help_text="Made by itself when the customer first asks for a log-in code.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="customer",
                to=settings.AUTH_USER_MODEL,
                verbose_name="log-in",
            ),
        ),
        migrations.CreateModel(
            name="Look",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name_en",
                    models.CharField(
                        blank=True,
                        help_text="Empty: as the server's settings say.",
                        max_length=60,
                        verbose_name="name (English)",
                    ),
                ),
                ("name_zh", models.CharField(blank=True, max_length=60, verbose_name="name (Chinese)")),
                (
                    "colour",
                    models.CharField(
                        default="#b3361b",
                        help_text="Shades of it that could not be read are made darker or lighter by themselves.",
                        max_length=7,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^#[0-9a-f]{6}\\Z", "A colour is written as # and six of 0-9 and a-f."
                            )
                        ],
                        verbose_name="colour",
                    ),
                ),
                ("logo", models.BinaryField(blank=True, default=b"", verbose_name="logo")),
                ("changed_at", models.DateTimeField(auto_now=True, verbose_name="changed at")),
            ],
            options={
                "verbose_name": "look of the portal",
                "verbose_name_plural": "look of the portal",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="look_is_one")],
            },
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sku", models.CharField(max_length=64, unique=True, verbose_name="SKU")),
                ("name_en", models.CharField(max_length=200, verbose_name="name (English)")),
                ("name_zh", models.CharField(blank=True, max_length=200, verbose_name="name (Chinese)")),
                (
                    "price",
                    models.PositiveBigIntegerField(
                        blank=True, help_text="In the currency's minor unit.", null=True, verbose_name="price"
                    ),
                ),
                (
                    "earns_points",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Off for gift cards, shipping, tips and deposits: they earn nothing and count towards no tier and no minimum.",
                        verbose_name="earns points",
                    ),
                ),
                ("is_in_stock", models.BooleanField(default=True, verbose_name="in stock")),
                ("is_retired", models.BooleanField(default=False, verbose_name="retired")),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="products",
                        to="customers.category",
                        verbose_name="category",
                    ),
                ),
            ],
            options={
                "verbose_name": "product",
                "verbose_name_plural": "products",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("sku", ""), _negated=True), name="product_has_a_sku")
                ],
            },
        ),
        migrations.CreateModel(
            name="Purchase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("till", models.CharField(blank=True, max_length=40, verbose_name="till")),
                (
                    "reference",
                    models.CharField(
                        help_text="The number on the receipt, unique per store and till.",
                        max_length=64,
                        verbose_name="receipt",
                    ),
                ),
                ("occurred_at", models.DateTimeField(db_index=True, verbose_name="occurred at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                (
                    "total",
                    models.BigIntegerField(help_text="Sum of the lines after their discounts.", verbose_name="total"),
                ),
                (
                    "discount",
                    models.BigIntegerField(
                        default=0, help_text="Taken off the whole receipt, coupons included.", verbose_name="discount"
                    ),
                ),
                ("paid_by_points", models.BigIntegerField(default=0, verbose_name="paid by points")),
                (
                    "paid_by_value",
                    models.BigIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Money that was paid in before: it earns points like any other.",
                        verbose_name="paid by gift card or store credit",
                    ),
                ),
                (
                    "excluded",
                    models.BigIntegerField(
                        db_default=0,
                        default=0,
                        help_text="What was paid for goods that never earn; it counts towards no tier.",
                        verbose_name="not counted",
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="Of the contents; tells a repeated receipt from a conflicting one.",
                        max_length=32,
                        verbose_name="digest",
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
                        blank=True,
                        help_text="Empty for a guest.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="purchases",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "purchase",
                "verbose_name_plural": "purchases",
                "indexes": [models.Index(fields=["customer", "-occurred_at", "-id"], name="purchase_of_customer")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reference", ""), _negated=True), name="purchase_has_a_reference"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("discount__gte", 0),
                            ("paid_by_points__gte", 0),
                            (
                                "total__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("discount"), "+", models.F("paid_by_points")
                                ),
                            ),
                        ),
                        name="purchase_pays_at_most_its_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("excluded__gte", 0),
                            (
                                "total__gte",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("discount"), "+", models.F("paid_by_points")
                                    ),
                                    "+",
                                    models.F("excluded"),
                                ),
                            ),
                        ),
                        name="purchase_excludes_at_most_what_was_paid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("paid_by_value__gte", 0),
                            (
                                "total__gte",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("discount"), "+", models.F("paid_by_points")
                                    ),
                                    "+",
                                    models.F("paid_by_value"),
                                ),
                            ),
                        ),
                        name="purchase_pays_at_most_its_total_by_value",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PurchaseLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                ("quantity", models.PositiveIntegerField(verbose_name="quantity")),
                ("unit_price", models.PositiveBigIntegerField(verbose_name="unit price")),
                ("discount", models.PositiveBigIntegerField(default=0, verbose_name="discount")),
                ("total", models.BigIntegerField(verbose_name="total")),
                (
                    "is_excluded",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="By the product or a rule, on the day of purchase.",
                        verbose_name="never earns",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="customers.product",
                        verbose_name="product",
                    ),
                ),
                (
                    "purchase",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="customers.purchase",
                        verbose_name="purchase",
                    ),
                ),
            ],
            options={
                "verbose_name": "purchase line",
                "verbose_name_plural": "purchase lines",
                "constraints": [
                    models.UniqueConstraint(fields=("purchase", "position"), name="purchaseline_position_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("quantity__gt", 0),
                            (
                                "total",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("quantity"), "*", models.F("unit_price")
                                    ),
                                    "-",
                                    models.F("discount"),
                                ),
                            ),
                            ("total__gte", 0),
                        ),
                        name="purchaseline_total_adds_up",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RecommendationModel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day_date", models.DateField(unique=True, verbose_name="day")),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                ("learnt_at", models.DateTimeField(blank=True, null=True, verbose_name="learnt at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("model", "the model"),
                            ("frequency", "what the customer buys most often"),
                            ("popularity", "what most customers buy"),
                        ],
                        default="model",
                        help_text="What did best in this shop.",
                        max_length=10,
                        verbose_name="used",
                    ),
                ),
                (
                    "figures",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="NDCG at 10 of each way on this shop's last four weeks; empty when too few customers came back.",
                        verbose_name="figures",
                    ),
                ),
                ("measured_at", models.DateTimeField(blank=True, null=True, verbose_name="measured at")),
                ("customers", models.PositiveIntegerField(default=0, verbose_name="customers")),
                ("lists", models.PositiveIntegerField(default=0, verbose_name="lists made")),
                ("cursor", models.BigIntegerField(default=0, editable=False, verbose_name="cursor")),
                ("claim", models.UUIDField(blank=True, editable=False, null=True, verbose_name="claim")),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="lease until"),
                ),
                ("products", models.BinaryField(default=bytes, verbose_name="products")),
                ("promise", models.BinaryField(default=bytes, verbose_name="promise of another purchase")),
                ("popularity", models.BinaryField(default=bytes, verbose_name="popularity")),
                ("targets", models.BinaryField(default=bytes, verbose_name="what may be discovered")),
            ],
            options={
                "verbose_name": "recommendation model",
                "verbose_name_plural": "recommendation models",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("finished_at", None), ("learnt_at__isnull", False), _connector="OR"),
                        name="recommendationmodel_learns_first",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("claim", None), ("lease_until", None)),
                            models.Q(("claim__isnull", False), ("lease_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="recommendationmodel_claim_is_leased",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProductLinks",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("product_id", models.BigIntegerField(verbose_name="product")),
                ("links", models.BinaryField(verbose_name="links")),
                (
                    "model",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="customers.recommendationmodel",
                        verbose_name="model",
                    ),
                ),
            ],
            options={
                "verbose_name": "links of a product",
                "verbose_name_plural": "links of products",
                "constraints": [
                    models.UniqueConstraint(fields=("model", "product_id"), name="productlinks_once_per_product")
                ],
            },
        ),
        migrations.CreateModel(
            name="Return",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reference",
                    models.CharField(
                        help_text="The number of the return, unique per purchase.",
                        max_length=64,
                        verbose_name="reference",
                    ),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                ("total", models.BigIntegerField(help_text="Value of the returned lines.", verbose_name="total")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
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
                    "purchase",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="customers.purchase",
                        verbose_name="purchase",
                    ),
                ),
            ],
            options={
                "verbose_name": "return",
                "verbose_name_plural": "returns",
                "constraints": [
                    models.UniqueConstraint(fields=("purchase", "reference"), name="return_reference_once"),
                    models.CheckConstraint(condition=models.Q(("total__gte", 0)), name="return_total_not_negative"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReturnLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", models.PositiveIntegerField(verbose_name="quantity")),
                ("total", models.BigIntegerField(verbose_name="total")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="customers.purchaseline",
                        verbose_name="purchase line",
                    ),
                ),
                (
                    "return_of",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="customers.return",
                        verbose_name="return",
                    ),
                ),
            ],
            options={
                "verbose_name": "return line",
                "verbose_name_plural": "return lines",
                "constraints": [
                    models.UniqueConstraint(fields=("return_of", "line"), name="returnline_once"),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gt", 0), ("total__gte", 0)), name="returnline_is_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.SlugField(
                        help_text="Short and stable; coupons and campaigns remember it.",
                        max_length=30,
                        unique=True,
                        verbose_name="code",
                    ),
                ),
                ("name_en", models.CharField(max_length=100, verbose_name="name (English)")),
                ("name_zh", models.CharField(blank=True, max_length=100, verbose_name="name (Chinese)")),
                (
                    "conditions",
                    models.JSONField(
                        default=dict, help_text="Fact and value; all of them hold.", verbose_name="conditions"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "followed_at",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="The last night that noted who came and went.",
                        null=True,
                        verbose_name="last followed",
                    ),
                ),
            ],
            options={
                "verbose_name": "saved filter",
                "verbose_name_plural": "saved filters",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("code", ""), _negated=True), name="savedfilter_has_a_code"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FilterMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "saved_filter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="customers.savedfilter",
                        verbose_name="saved filter",
                    ),
                ),
            ],
            options={
                "verbose_name": "member of a filter",
                "verbose_name_plural": "members of filters",
                "constraints": [models.UniqueConstraint(fields=("saved_filter", "customer"), name="filtermember_once")],
            },
        ),
        migrations.CreateModel(
            name="FilterEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("entered", "came in"), ("left", "went out")], max_length=8, verbose_name="kind"
                    ),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "saved_filter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="customers.savedfilter",
                        verbose_name="saved filter",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of a filter",
                "verbose_name_plural": "changes of filters",
                "indexes": [models.Index(fields=["saved_filter", "-id"], name="filterevent_newest")],
            },
        ),
        migrations.CreateModel(
            name="SignedInDevice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "session_key",
                    models.CharField(editable=False, max_length=40, unique=True, verbose_name="session key"),
                ),
                (
                    "user_agent",
                    models.CharField(blank=True, max_length=300, verbose_name="what the browser says it is"),
                ),
                ("signed_in_at", models.DateTimeField(verbose_name="signed in at")),
                ("seen_at", models.DateTimeField(verbose_name="last seen at")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="devices",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "signed-in device",
                "verbose_name_plural": "signed-in devices",
                "indexes": [models.Index(fields=["user", "-seen_at"], name="signedindevice_of_user")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("session_key", ""), _negated=True), name="signedindevice_has_a_session"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("seen_at__gte", models.F("signed_in_at"))),
                        name="signedindevice_seen_after_signing_in",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SpendingProof",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("code", "fresh member code"), ("pin", "till PIN"), ("mail", "mailed code")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "code_digest",
                    models.CharField(
                        editable=False,
                        help_text="A fresh code proves once.",
                        max_length=64,
                        null=True,
                        verbose_name="digest of the code",
                    ),
                ),
                (
                    "request_key",
                    models.CharField(
                        editable=False,
                        help_text="Asked again, it proves the same.",
                        max_length=100,
                        null=True,
                        verbose_name="key of the request",
                    ),
                ),
                ("proved_at", models.DateTimeField(verbose_name="proved at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                (
                    "used_for",
                    models.CharField(
                        blank=True, help_text="Stable key of the spending.", max_length=200, verbose_name="used for"
                    ),
                ),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used at")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
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
                        related_name="spending_proofs",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "spending proof",
                "verbose_name_plural": "spending proofs",
                "indexes": [
                    models.Index(fields=["customer", "-proved_at"], name="spendingproof_of_customer"),
                    models.Index(fields=["-proved_at", "id"], name="spendingproof_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("code_digest",), name="spendingproof_code_once"),
                    models.UniqueConstraint(fields=("request_key",), name="spendingproof_request_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("code_digest__isnull", False), ("kind", "code")),
                            models.Q(models.Q(("kind", "code"), _negated=True), ("code_digest", None)),
                            _connector="OR",
                        ),
                        name="spendingproof_code_has_a_digest",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("used_at", None), ("used_for", "")),
                            models.Q(models.Q(("used_for", ""), _negated=True), ("used_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="spendingproof_used_when_and_for_what",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("proved_at"))),
                        name="spendingproof_expires_after_its_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StaffNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.SlugField(
                        choices=[
                            ("adjustment_waiting", "points wait for approval"),
                            ("case_given", "a case is yours"),
                            ("case_overdue", "a case is overdue"),
                            ("api_key_stopped", "an API key guesses"),
                            ("owner_signed_in", "the owner has signed in"),
                            ("spending_frozen", "spending is frozen"),
                            ("spending_resumed", "spending goes on"),
                            ("webhook_stopped", "a webhook was disabled"),
                            ("monthly_report", "the report of a month"),
                            ("survey_mails", "survey mails to look at"),
                            ("campaign_missed", "a campaign missed its time"),
                            ("surveys_stalled", "survey mails do not leave"),
                        ],
                        help_text="The folder of its texts under templates/emails.",
                        max_length=40,
                        verbose_name="kind",
                    ),
                ),
                (
                    "source",
                    models.CharField(help_text="Stable key of the cause.", max_length=200, verbose_name="source"),
                ),
                (
                    "context",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Numbers and keys for the text; no personal data.",
                        verbose_name="context",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("queued", "queued"), ("sent", "sent"), ("failed", "failed")],
                        default="queued",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "not_before",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="Moves on while somebody is sending, and after a failure.",
                        verbose_name="not before",
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("error", models.CharField(blank=True, max_length=300, verbose_name="error")),
                ("queued_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="queued at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "reader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="staff_notices",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="to",
                    ),
                ),
            ],
            options={
                "verbose_name": "notice to staff",
                "verbose_name_plural": "notices to staff",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "queued")), fields=["not_before", "id"], name="staffnotice_to_send"
                    ),
                    models.Index(fields=["kind", "-queued_at"], name="staffnotice_newest_of_kind"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("reader", "kind", "source"), name="staffnotice_once_per_cause")
                ],
            },
        ),
        migrations.CreateModel(
            name="StandingChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day_date", models.DateField(verbose_name="day")),
                ("recency", models.PositiveSmallIntegerField(verbose_name="recency")),
                ("frequency", models.PositiveSmallIntegerField(verbose_name="frequency")),
                ("monetary", models.PositiveSmallIntegerField(verbose_name="monetary value")),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="standing_changes",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of standing",
                "verbose_name_plural": "changes of standing",
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "day_date"), name="standingchange_once_a_day")
                ],
            },
        ),
        migrations.CreateModel(
            name="Store",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.SlugField(
                        help_text="Short and stable; imports and tills use it.",
                        max_length=40,
                        unique=True,
                        verbose_name="code",
                    ),
                ),
                ("name_en", models.CharField(max_length=100, verbose_name="name (English)")),
                ("name_zh", models.CharField(blank=True, max_length=100, verbose_name="name (Chinese)")),
                (
                    "kind",
                    models.CharField(
                        choices=[("counter", "counter"), ("web", "web shop")],
                        default="counter",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default=customers.models.store.default_time_zone,
                        max_length=60,
                        validators=[customers.models.store.validate_time_zone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "pending_days",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Days until points of a purchase can be spent: 0 at a counter, 7 for a web shop.",
                        verbose_name="pending days",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
            ],
            options={
                "verbose_name": "store",
                "verbose_name_plural": "stores",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("pending_days__lte", 365)), name="store_pending_days_within_a_year"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="purchase",
            name="store",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="purchases",
                to="customers.store",
                verbose_name="store",
            ),
        ),
        migrations.AddField(
            model_name="customer",
            name="home_store",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="customers.store",
                verbose_name="home store",
            ),
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("viewed", "record opened"),
                            ("found", "found at the till"),
                            ("contacts", "contacts read"),
                            ("exported", "data exported"),
                            ("downloaded", "export downloaded"),
                            ("erasure_asked", "erasure asked for"),
                            ("erasure_cancelled", "erasure called off"),
                            ("erased", "erased"),
                            ("merged", "merged"),
                            ("unmerged", "merge undone"),
                            ("kept_no_longer", "taken away what is kept no longer"),
                            ("preferences", "preferences changed"),
                            ("signed_in", "signed in"),
                            ("turned_away", "wrong code or password"),
                            ("denied", "page refused"),
                            ("factor", "second factor changed"),
                            ("rights", "rights changed"),
                        ],
                        max_length=20,
                        verbose_name="what",
                    ),
                ),
                (
                    "place",
                    models.CharField(
                        choices=[
                            ("admin", "office"),
                            ("till", "till"),
                            ("api", "another system of the shop"),
                            ("portal", "these pages"),
                            ("command", "the system itself"),
                        ],
                        max_length=10,
                        verbose_name="where",
                    ),
                ),
                ("role", models.CharField(blank=True, help_text="Of that moment.", max_length=40, verbose_name="role")),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="A word of a closed list.", max_length=40, verbose_name="reason"
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True, help_text="Key of what it was about.", max_length=60, verbose_name="concerns"
                    ),
                ),
                (
                    "changes",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Of the rights of staff and roles.",
                        verbose_name="before and after",
                    ),
                ),
                (
                    "network",
                    models.CharField(
                        blank=True,
                        help_text="Digest of the address: equal for one place.",
                        max_length=16,
                        verbose_name="network",
                    ),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.apikey",
                        verbose_name="API key",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="audit_events",
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
            ],
            options={
                "verbose_name": "audit event",
                "verbose_name_plural": "audit events",
                "indexes": [
                    models.Index(fields=["customer", "-occurred_at", "-id"], name="auditevent_of_customer"),
                    models.Index(fields=["-occurred_at", "-id"], name="auditevent_newest"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("by", None), ("api_key", None), _connector="OR"),
                        name="auditevent_is_of_one_actor",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="apikey",
            name="store",
            field=models.ForeignKey(
                blank=True,
                help_text="The key acts for this store only. Empty is any store.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="customers.store",
                verbose_name="store",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="store",
            field=models.ForeignKey(
                blank=True,
                help_text="Where this member of staff works.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="customers.store",
                verbose_name="store",
            ),
        ),
        migrations.CreateModel(
            name="TillPin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(editable=False, max_length=128, verbose_name="digest")),
                ("set_at", models.DateTimeField(verbose_name="set at")),
                (
                    "tries",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Since the last right one.", verbose_name="tries"
                    ),
                ),
                ("locked_until", models.DateTimeField(blank=True, null=True, verbose_name="locked until")),
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="till_pin",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "till PIN",
                "verbose_name_plural": "till PINs",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("digest", ""), _negated=True), name="tillpin_has_a_digest"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "label",
                    models.CharField(
                        help_text="Who listens, such as “Web shop”.", max_length=100, verbose_name="label"
                    ),
                ),
                (
                    "url",
                    models.CharField(
                        help_text="Begins with https:// and is reachable from the internet.",
                        max_length=500,
                        verbose_name="address",
                    ),
                ),
                (
                    "event_types",
                    models.JSONField(
                        default=list,
                        help_text="Choose no more than the other system needs.",
                        validators=[customers.models.webhook.validate_types],
                        verbose_name="events",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "active"), ("paused", "paused"), ("disabled", "disabled")],
                        default="active",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("staff", "by staff"),
                            ("gone", "it answered 410: gone for good"),
                            ("failing", "nothing could be delivered for days"),
                            ("paused_too_long", "it was paused for too long"),
                        ],
                        editable=False,
                        max_length=20,
                        verbose_name="reason",
                    ),
                ),
                (
                    "changed_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="in this state since"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "starts_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="Everything that happens from this moment on is told; of the seconds before, some may be missing.",
                        verbose_name="complete from",
                    ),
                ),
                ("secret_sealed", models.BinaryField(max_length=200, verbose_name="sealed secret")),
                (
                    "previous_sealed",
                    models.BinaryField(max_length=200, null=True, verbose_name="sealed earlier secret"),
                ),
                (
                    "previous_until",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="the earlier secret signs until"
                    ),
                ),
                ("failures", models.PositiveIntegerField(default=0, editable=False, verbose_name="failures in a row")),
                (
                    "failing_since_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="failing since"),
                ),
                (
                    "delivered_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last delivery"),
                ),
                (
                    "rests_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="rests until"),
                ),
                ("claim", models.UUIDField(blank=True, editable=False, null=True, verbose_name="claim")),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="lease until"),
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
                "verbose_name": "webhook endpoint",
                "verbose_name_plural": "webhook endpoints",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("url", ""), _negated=True), name="webhookendpoint_has_an_address"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("previous_sealed", None), ("previous_until", None)),
                            models.Q(("previous_sealed__isnull", False), ("previous_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="webhookendpoint_earlier_secret_ends",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), ("state", "active")),
                            models.Q(
                                models.Q(("state", "active"), _negated=True), models.Q(("reason", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="webhookendpoint_stops_for_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("claim", None), ("lease_until", None)),
                            models.Q(("claim__isnull", False), ("lease_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="webhookendpoint_claim_is_leased",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("starts_at__gte", models.F("created_at"))),
                        name="webhookendpoint_starts_once_it_exists",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "uid",
                    models.CharField(
                        default=customers.models.webhook.new_message_id,
                        editable=False,
                        max_length=40,
                        unique=True,
                        verbose_name="message",
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("customer.enrolled", "a customer was enrolled"),
                            ("customer.changed", "a customer's record was changed"),
                            ("purchase.recorded", "a purchase was recorded"),
                            ("purchase.returned", "goods came back"),
                            ("points.changed", "points moved"),
                            ("coupon.issued", "one coupon was issued, or many at once"),
                            ("coupon.redeemed", "a coupon was used"),
                            ("coupon.returned", "the use of a coupon was taken back"),
                            ("coupon.voided", "a coupon was cancelled"),
                            ("tier.changed", "a customer changed tier"),
                            ("import.finished", "a file was imported"),
                            ("endpoint.test", "a test"),
                        ],
                        max_length=40,
                        verbose_name="event",
                    ),
                ),
                (
                    "data",
                    models.JSONField(
                        default=dict, help_text="Numbers and keys only; no personal data.", verbose_name="data"
                    ),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                (
                    "spread_at",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="When each endpoint got its delivery.",
                        null=True,
                        verbose_name="handed out at",
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
                "verbose_name": "webhook event",
                "verbose_name_plural": "webhook events",
                "indexes": [
                    models.Index(condition=models.Q(("spread_at", None)), fields=["id"], name="webhookevent_to_spread"),
                    models.Index(fields=["recorded_at"], name="webhookevent_recorded_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "waiting"), ("delivered", "delivered"), ("failed", "failed")],
                        default="pending",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("next_attempt_at", models.DateTimeField(verbose_name="next attempt")),
                (
                    "status",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="The last HTTP status.", null=True, verbose_name="answer"
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=40, verbose_name="what went wrong")),
                ("attempted_at", models.DateTimeField(blank=True, null=True, verbose_name="last attempt")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="customers.webhookendpoint",
                        verbose_name="endpoint",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="customers.webhookevent",
                        verbose_name="event",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["endpoint", "next_attempt_at", "id"],
                        name="webhookdelivery_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", "failed")),
                        fields=["endpoint", "id"],
                        name="webhookdelivery_failed",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("event", "endpoint"), name="webhookdelivery_once_per_endpoint"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("state", "pending")),
                            models.Q(models.Q(("state", "pending"), _negated=True), ("finished_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="webhookdelivery_ends_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("client", models.CharField(editable=False, max_length=8, verbose_name="client")),
                ("key", models.CharField(max_length=255, verbose_name="idempotency key")),
                (
                    "fingerprint",
                    models.BinaryField(
                        help_text="Keyed digest of the request, so that it tells nothing of a person.",
                        max_length=32,
                        verbose_name="fingerprint",
                    ),
                ),
                ("status", models.PositiveSmallIntegerField(default=0, verbose_name="status")),
                ("body", models.TextField(blank=True, verbose_name="answer")),
                (
                    "recorded_at",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name="recorded at"),
                ),
                (
                    "api_key",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requests",
                        to="customers.apikey",
                        verbose_name="API key",
                    ),
                ),
            ],
            options={
                "verbose_name": "API request",
                "verbose_name_plural": "API requests",
                "constraints": [
                    models.UniqueConstraint(fields=("client", "key"), name="apirequest_key_once"),
                    models.CheckConstraint(condition=models.Q(("key", ""), _negated=True), name="apirequest_has_a_key"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="standing",
                        serialize=False,
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                ("visits", models.PositiveIntegerField(verbose_name="days with a purchase")),
                ("spent", models.BigIntegerField(help_text="In the currency's minor unit.", verbose_name="spent")),
                ("last_at", models.DateTimeField(verbose_name="last purchase")),
                (
                    "usual_days",
                    models.PositiveIntegerField(
                        help_text="The own median, drawn towards the shop's while few are known.",
                        verbose_name="usual days between purchases",
                    ),
                ),
                ("due_at", models.DateTimeField(db_index=True, verbose_name="due at")),
                ("lapsing_at", models.DateTimeField(verbose_name="lapsing at")),
                ("lapsed_at", models.DateTimeField(db_index=True, verbose_name="lapsed at")),
                (
                    "recency",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="5 is the latest.", null=True, verbose_name="recency"
                    ),
                ),
                (
                    "frequency",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="5 is the most often.", null=True, verbose_name="frequency"
                    ),
                ),
                (
                    "monetary",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="5 is the most.", null=True, verbose_name="monetary value"
                    ),
                ),
                (
                    "chance_permille",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="chance to buy, in thousandths"
                    ),
                ),
                (
                    "visits_permille",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="expected purchases, in thousandths"
                    ),
                ),
                ("value", models.PositiveBigIntegerField(blank=True, null=True, verbose_name="expected value")),
                (
                    "value_low",
                    models.PositiveBigIntegerField(blank=True, null=True, verbose_name="expected value, at least"),
                ),
                (
                    "value_high",
                    models.PositiveBigIntegerField(blank=True, null=True, verbose_name="expected value, at most"),
                ),
                ("made_at", models.DateTimeField(verbose_name="made at")),
            ],
            options={
                "verbose_name": "standing of a customer",
                "verbose_name_plural": "standings of customers",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("frequency", None), ("monetary", None), ("recency", None)),
                            models.Q(
                                ("frequency__range", (1, 5)), ("monetary__range", (1, 5)), ("recency__range", (1, 5))
                            ),
                            _connector="OR",
                        ),
                        name="standing_quintiles_are_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("value", None),
                            models.Q(("value_high__gte", models.F("value")), ("value_low__lte", models.F("value"))),
                            _connector="OR",
                        ),
                        name="standing_value_lies_in_its_interval",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("email", "e-mail"),
                            ("sms", "text message"),
                            ("wechat", "WeChat"),
                            ("phone", "phone"),
                            ("post", "post"),
                        ],
                        max_length=10,
                        verbose_name="channel",
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[("marketing", "offers and surprises"), ("surveys", "surveys")],
                        max_length=10,
                        verbose_name="purpose",
                    ),
                ),
                ("is_granted", models.BooleanField(verbose_name="granted")),
                (
                    "wording",
                    models.CharField(
                        blank=True,
                        help_text="Key and version of the text that was shown.",
                        max_length=60,
                        verbose_name="wording",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        help_text="Where it was said, for example import:customers.csv or unsubscribe:link.",
                        max_length=200,
                        verbose_name="source",
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
                        blank=True,
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
                        related_name="consents",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
                "indexes": [models.Index(fields=["customer", "channel", "purpose", "-id"], name="consent_latest")],
            },
        ),
        migrations.CreateModel(
            name="CustomerMerge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("moved", models.JSONField(default=dict, editable=False, verbose_name="moved")),
                ("merged_at", models.DateTimeField(verbose_name="merged at")),
                ("undo_until", models.DateTimeField(verbose_name="can be undone until")),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="undone at")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "duplicate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merges_away",
                        to="customers.customer",
                        verbose_name="duplicate",
                    ),
                ),
                (
                    "kept",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merges_into",
                        to="customers.customer",
                        verbose_name="kept",
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="undone by",
                    ),
                ),
            ],
            options={
                "verbose_name": "merge of two customers",
                "verbose_name_plural": "merges of customers",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at", None)),
                        fields=("duplicate",),
                        name="customermerge_once_per_duplicate",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("duplicate", models.F("kept")), _negated=True), name="customermerge_of_two"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DataExport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token", models.CharField(editable=False, max_length=32, unique=True, verbose_name="token")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "being made"),
                            ("ready", "ready"),
                            ("gone", "deleted"),
                            ("failed", "failed"),
                        ],
                        default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("request", "the customer asked for it"),
                            ("authority", "an authority asked for it"),
                            ("complaint", "a complaint is looked into"),
                        ],
                        max_length=10,
                        verbose_name="reason",
                    ),
                ),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("claimed_at", models.DateTimeField(blank=True, null=True, verbose_name="last sign of life")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("ready_at", models.DateTimeField(blank=True, null=True, verbose_name="ready at")),
                ("expires_at", models.DateTimeField(verbose_name="can be fetched until")),
                ("size", models.PositiveBigIntegerField(default=0, verbose_name="size")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty when the customer asked.",
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
                        related_name="data_exports",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "export of personal data",
                "verbose_name_plural": "exports of personal data",
                "indexes": [models.Index(fields=["customer", "-asked_at"], name="dataexport_of_customer")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "ready"), _negated=True), ("ready_at__isnull", False), _connector="OR"
                        ),
                        name="dataexport_ready_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("by", None), models.Q(("reason", ""), _negated=True), _connector="OR"),
                        name="dataexport_by_staff_for_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("cancelled", "called off"), ("done", "done")],
                        default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("customer", "the customer's own wish"),
                            ("request", "the customer asked us"),
                            ("inactive", "not seen for too long"),
                            ("restored", "erased before a backup was restored"),
                        ],
                        max_length=10,
                        verbose_name="reason",
                    ),
                ),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("due_at", models.DateTimeField(verbose_name="due at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty for the customer and for the calendar.",
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
                        related_name="erasures",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "erasure",
                "verbose_name_plural": "erasures",
                "indexes": [
                    models.Index(condition=models.Q(("state", "waiting")), fields=["due_at"], name="erasure_due")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")),
                        fields=("customer",),
                        name="erasure_waits_once_per_customer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("state", "waiting")),
                            models.Q(models.Q(("state", "waiting"), _negated=True), ("finished_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="erasure_finished_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Identifier",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "e-mail"),
                            ("phone", "phone"),
                            ("card", "card"),
                            ("wechat", "WeChat"),
                            ("external", "number in another system"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("value", models.CharField(max_length=254, verbose_name="value")),
                (
                    "normalised",
                    models.CharField(
                        editable=False,
                        help_text="What is compared: lower case, phone numbers as +49301234567.",
                        max_length=254,
                        verbose_name="normalised",
                    ),
                ),
                ("verified_at", models.DateTimeField(blank=True, null=True, verbose_name="verified at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identifiers",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "identifier",
                "verbose_name_plural": "identifiers",
                "indexes": [models.Index(fields=["normalised"], name="identifier_normalised")],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "normalised"), name="identifier_belongs_to_one_customer"),
                    models.CheckConstraint(
                        condition=models.Q(("normalised", ""), _negated=True), name="identifier_is_not_empty"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportJob",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("customers", "customers"),
                            ("purchases", "purchases"),
                            ("coupons", "printed coupon codes"),
                        ],
                        default="purchases",
                        max_length=10,
                        verbose_name="what is in the file",
                    ),
                ),
                ("name", models.CharField(editable=False, max_length=200, verbose_name="file")),
                ("token", models.CharField(editable=False, max_length=32, unique=True, verbose_name="token")),
                ("size", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="size")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("checking", "being checked"),
                            ("checked", "checked, not imported yet"),
                            ("importing", "being imported"),
                            ("done", "imported"),
                            ("failed", "failed"),
                        ],
                        default="checking",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("steps_done", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="steps done")),
                ("steps", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="steps")),
                ("counts", models.JSONField(default=dict, editable=False, verbose_name="counts")),
                ("bad_lines", models.PositiveBigIntegerField(default=0, editable=False, verbose_name="bad lines")),
                ("reason", models.CharField(blank=True, editable=False, max_length=500, verbose_name="why it failed")),
                ("language", models.CharField(editable=False, max_length=10, verbose_name="language of the report")),
                ("attempts", models.PositiveSmallIntegerField(default=0, editable=False, verbose_name="attempts")),
                (
                    "claimed_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last sign of life"),
                ),
                ("created_at", models.DateTimeField(editable=False, verbose_name="handed in at")),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="finished at"),
                ),
                (
                    "by",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "verbose_name": "import",
                "verbose_name_plural": "imports",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("token", ""), _negated=True), name="importjob_has_a_token"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MailedCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "purpose",
                    models.CharField(
                        choices=[("till", "spending at the till"), ("privacy", "export and erasure")],
                        db_default="till",
                        default="till",
                        max_length=10,
                        verbose_name="purpose",
                    ),
                ),
                ("digest", models.CharField(editable=False, max_length=64, verbose_name="digest")),
                ("sent_at", models.DateTimeField(verbose_name="sent at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used at")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mailed_codes",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "mailed code",
                "verbose_name_plural": "mailed codes",
                "indexes": [models.Index(fields=["customer", "-sent_at"], name="mailedcode_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("sent_at"))),
                        name="mailedcode_expires_after_its_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.SlugField(
                        help_text="The folder of its texts under templates/emails.", max_length=40, verbose_name="kind"
                    ),
                ),
                (
                    "source",
                    models.CharField(help_text="Stable key of the cause.", max_length=200, verbose_name="source"),
                ),
                (
                    "context",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Numbers and keys for the text; no personal data.",
                        verbose_name="context",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("sending", "sending"),
                            ("sent", "sent"),
                            ("skipped", "skipped"),
                            ("failed", "failed"),
                            ("uncertain", "uncertain"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("not_before", models.DateTimeField(default=django.utils.timezone.now, verbose_name="not before")),
                ("lease_until", models.DateTimeField(blank=True, null=True, verbose_name="lease until")),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("error", models.CharField(blank=True, max_length=300, verbose_name="error")),
                ("queued_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="queued at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "notice",
                "verbose_name_plural": "notices",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "queued")), fields=["not_before", "id"], name="notice_to_send"
                    ),
                    models.Index(
                        condition=models.Q(("state", "sending")), fields=["lease_until"], name="notice_to_reap"
                    ),
                    models.Index(fields=["-queued_at", "id"], name="notice_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "kind", "source"), name="notice_once_per_cause"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "sending"), _negated=True),
                            ("lease_until__isnull", False),
                            _connector="OR",
                        ),
                        name="notice_sending_is_leased",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.UniqueConstraint(fields=("store", "till", "reference"), name="purchase_receipt_once"),
        ),
    ]
