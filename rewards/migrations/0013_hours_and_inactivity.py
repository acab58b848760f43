from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0006_leave_out_what_never_earns"),
        ("rewards", "0012_coupon_jobs_events_holds"),
    ]

    operations = [
        migrations.AddField(
            model_name="earningrule",
            name="from_time",
            field=models.TimeField(
                blank=True, help_text="By the store's clock; empty is all day.", null=True, verbose_name="from"
            ),
        ),
        migrations.AddField(
            model_name="earningrule",
            name="until_time",
            field=models.TimeField(
                blank=True,
                help_text="No longer included. Earlier than “from” crosses midnight: 22:00 to 02:00 belongs to the "
                "evening's weekday.",
                null=True,
                verbose_name="until",
            ),
        ),
        migrations.AlterField(
            model_name="earningrule",
            name="expiry",
            field=models.CharField(
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
        migrations.AddConstraint(
            model_name="earningrule",
            constraint=models.CheckConstraint(
                condition=Q(from_time=None, until_time=None)
                | (Q(from_time__isnull=False, until_time__isnull=False) & ~Q(from_time=F("until_time"))),
                name="earningrule_hours_have_two_ends",
                violation_error_message="Hours need a beginning and an end, and the two differ.",
            ),
        ),
        migrations.AddConstraint(
            model_name="earningrule",
            constraint=models.CheckConstraint(
                condition=~Q(expiry__in=["month_end", "rolling", "inactivity"]) | Q(expiry_months__gt=0),
                name="earningrule_expiry_takes_a_month_or_more",
                violation_error_message="Points last for one month or more.",
            ),
        ),
        migrations.AddField(
            model_name="pointlot",
            name="inactive_months",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="Of points that end only when the customer stays away; empty for all others.",
                null=True,
                verbose_name="months without activity",
            ),
        ),
        migrations.AddField(
            model_name="pointlot",
            name="lapses_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When such points end unless the customer comes back; only ever moved on.",
                null=True,
                verbose_name="lapses at",
            ),
        ),
        migrations.AddConstraint(
            model_name="pointlot",
            constraint=models.CheckConstraint(
                condition=Q(inactive_months=None, lapses_at=None)
                | Q(inactive_months__gt=0, lapses_at__gt=F("activates_at")),
                name="pointlot_lapses_after_activation",
            ),
        ),
        migrations.AddIndex(
            model_name="pointlot",
            index=models.Index(
                fields=["lapses_at"],
                condition=Q(remaining__gt=0, lapses_at__isnull=False, expires_at=None),
                name="pointlot_to_lapse",
            ),
        ),
    ]
