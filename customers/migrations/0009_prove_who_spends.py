import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """Find names whatever their case; let customers prove at the till that they may spend."""

    dependencies = [("customers", "0008_pay_by_stored_value")]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="name_folded",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Written with the name; beginnings are searched in it.",
                max_length=150,
                verbose_name="name, folded",
            ),
        ),
        migrations.AddField(
            model_name="customer",
            name="spending_held_until",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Nobody spends points of this customer before: the e-mail address has just changed.",
                null=True,
                verbose_name="spending held until",
            ),
        ),
        migrations.RemoveIndex(model_name="customer", name="customer_name_begins"),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(fields=["name_folded"], name="customer_name_begins", opclasses=["varchar_pattern_ops"]),
        ),
        migrations.CreateModel(
            name="TillPin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="till_pin",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                ("digest", models.CharField(editable=False, max_length=128, verbose_name="digest")),
                ("set_at", models.DateTimeField(verbose_name="set at")),
                (
                    "tries",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Since the last right one.", verbose_name="tries"
                    ),
                ),
                ("locked_until", models.DateTimeField(blank=True, null=True, verbose_name="locked until")),
            ],
            options={
                "verbose_name": "till PIN",
                "verbose_name_plural": "till PINs",
                "constraints": [models.CheckConstraint(condition=~Q(digest=""), name="tillpin_has_a_digest")],
            },
        ),
        migrations.CreateModel(
            name="MailedCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mailed_codes",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                ("digest", models.CharField(editable=False, max_length=64, verbose_name="digest")),
                ("sent_at", models.DateTimeField(verbose_name="sent at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used at")),
            ],
            options={
                "verbose_name": "mailed code",
                "verbose_name_plural": "mailed codes",
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(expires_at__gt=F("sent_at")), name="mailedcode_expires_after_its_start"
                    )
                ],
                "indexes": [models.Index(fields=["customer", "-sent_at"], name="mailedcode_newest")],
            },
        ),
        migrations.CreateModel(
            name="SpendingProof",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
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
                ("proved_at", models.DateTimeField(verbose_name="proved at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                (
                    "used_for",
                    models.CharField(
                        blank=True, help_text="Stable key of the spending.", max_length=200, verbose_name="used for"
                    ),
                ),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used at")),
            ],
            options={
                "verbose_name": "spending proof",
                "verbose_name_plural": "spending proofs",
                "constraints": [
                    models.UniqueConstraint(fields=["code_digest"], name="spendingproof_code_once"),
                    models.UniqueConstraint(fields=["request_key"], name="spendingproof_request_once"),
                    models.CheckConstraint(
                        condition=Q(kind="code", code_digest__isnull=False) | ~Q(kind="code") & Q(code_digest=None),
                        name="spendingproof_code_has_a_digest",
                    ),
                    models.CheckConstraint(
                        condition=Q(used_for="", used_at=None) | ~Q(used_for="") & Q(used_at__isnull=False),
                        name="spendingproof_used_when_and_for_what",
                    ),
                    models.CheckConstraint(
                        condition=Q(expires_at__gt=F("proved_at")), name="spendingproof_expires_after_its_start"
                    ),
                ],
                "indexes": [
                    models.Index(fields=["customer", "-proved_at"], name="spendingproof_of_customer"),
                    models.Index(fields=["-proved_at", "id"], name="spendingproof_newest"),
                ],
            },
        ),
    ]
