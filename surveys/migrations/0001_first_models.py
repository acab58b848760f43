import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import surveys.models.link


class Migration(migrations.Migration):
    """Surveys, campaigns, messages, answers, cases; what is published is guarded after every `migrate`.

    Indexes and constraints lie in the models' options: as steps of their own they made a new database wait 30 s longer.
    """

    initial = True

    dependencies = [
        ("customers", "0001_first_models"),
        ("customers", "__first__"),
        ("rewards", "0001_first_models"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChatGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, unique=True, verbose_name="name")),
                ("service", models.CharField(editable=False, max_length=20, verbose_name="service")),
                ("sealed_url", models.BinaryField(verbose_name="sealed address")),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("zh-hans", "Simplified Chinese")],
                        default="en",
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                (
                    "rest_days",
                    models.PositiveSmallIntegerField(
                        default=14,
                        help_text="No second survey is posted within these days, over all campaigns.",
                        verbose_name="days of rest",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
            ],
            options={
                "verbose_name": "chat group",
                "verbose_name_plural": "chat groups",
            },
        ),
        migrations.CreateModel(
            name="MailPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "country",
                    models.CharField(
                        help_text="Two letters, such as CN; a customer's country follows from their time zone.",
                        max_length=2,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{2}\\Z", "Two capital letters, such as CN or DE."
                            )
                        ],
                        verbose_name="country",
                    ),
                ),
                (
                    "subject_prefix",
                    models.CharField(
                        blank=True,
                        help_text="Such as “AD” or 广告 where the law asks for it.",
                        max_length=20,
                        verbose_name="before the subject",
                    ),
                ),
                ("footer_en", models.TextField(blank=True, max_length=1000, verbose_name="at the end (English)")),
                ("footer_zh", models.TextField(blank=True, max_length=1000, verbose_name="at the end (Chinese)")),
                (
                    "basis",
                    models.CharField(
                        blank=True,
                        help_text="For your records: on what the mails are based, such as consent.",
                        max_length=200,
                        verbose_name="basis",
                    ),
                ),
                (
                    "transfer",
                    models.TextField(
                        blank=True,
                        help_text="For your records: where the addresses are kept and sent from.",
                        verbose_name="transfer abroad",
                    ),
                ),
            ],
            options={
                "verbose_name": "rule for a country",
                "verbose_name_plural": "rules for countries",
            },
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(verbose_name="position")),
                (
                    "key",
                    models.SlugField(
                        help_text="Stable over versions; exports use it as the column's name.",
                        max_length=40,
                        verbose_name="key",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("nps", "recommendation, 0 to 10 (NPS)"),
                            ("csat", "satisfaction, 1 to 5 (CSAT)"),
                            ("ces", "effort, 1 to 7 (CES)"),
                            ("stars", "stars, 1 to 5"),
                            ("choice", "one choice"),
                            ("scale", "scale of your own"),
                            ("multiple", "several choices"),
                            ("matrix", "matrix, one choice per row"),
                            ("ranking", "ranking, best first"),
                            ("text", "text"),
                            ("number", "number"),
                            ("date", "date"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("text_en", models.CharField(max_length=300, verbose_name="question (English)")),
                ("text_zh", models.CharField(blank=True, max_length=300, verbose_name="question (Chinese)")),
                (
                    "choices_en",
                    models.TextField(
                        blank=True,
                        help_text="One per line, only for questions with choices.",
                        verbose_name="choices (English)",
                    ),
                ),
                (
                    "choices_zh",
                    models.TextField(blank=True, help_text="In the same order.", verbose_name="choices (Chinese)"),
                ),
                (
                    "rows_en",
                    models.TextField(
                        blank=True, help_text="One per line, only for a matrix.", verbose_name="rows (English)"
                    ),
                ),
                (
                    "rows_zh",
                    models.TextField(blank=True, help_text="In the same order.", verbose_name="rows (Chinese)"),
                ),
                (
                    "least",
                    models.SmallIntegerField(
                        blank=True, help_text="For a scale of your own and for numbers.", null=True, verbose_name="from"
                    ),
                ),
                ("most", models.IntegerField(blank=True, null=True, verbose_name="up to")),
                ("low_en", models.CharField(blank=True, max_length=60, verbose_name="lowest means (English)")),
                ("low_zh", models.CharField(blank=True, max_length=60, verbose_name="lowest means (Chinese)")),
                ("high_en", models.CharField(blank=True, max_length=60, verbose_name="highest means (English)")),
                ("high_zh", models.CharField(blank=True, max_length=60, verbose_name="highest means (Chinese)")),
                ("is_required", models.BooleanField(default=False, verbose_name="required")),
                ("begins_page", models.BooleanField(default=False, verbose_name="begins a page")),
                (
                    "show_if_key",
                    models.SlugField(
                        blank=True,
                        db_index=False,
                        help_text="The key of an earlier question.",
                        max_length=40,
                        verbose_name="only if",
                    ),
                ),
                (
                    "show_if_test",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("at_least", "is at least"),
                            ("at_most", "is at most"),
                            ("one_of", "is one of"),
                            ("none_of", "is none of"),
                            ("answered", "was answered"),
                        ],
                        max_length=10,
                        verbose_name="condition",
                    ),
                ),
                (
                    "show_if_values",
                    models.CharField(
                        blank=True,
                        help_text="Numbers, separated by commas; choices are counted from 1. Example: 0,1,2",
                        max_length=100,
                        verbose_name="values",
                    ),
                ),
            ],
            options={
                "verbose_name": "question",
                "verbose_name_plural": "questions",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind__in", ["choice", "multiple", "matrix", "ranking"]), _negated=True),
                            models.Q(("choices_en", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="question_choices_are_given",
                        violation_error_message="A question with choices needs them, one per line.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "matrix"), _negated=True),
                            models.Q(("rows_en", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="question_matrix_has_rows",
                        violation_error_message="A matrix needs rows, one per line.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "scale"), _negated=True),
                            models.Q(
                                ("least__gte", 0), ("least__isnull", False), ("most__isnull", False), ("most__lte", 10)
                            ),
                            _connector="OR",
                        ),
                        name="question_scale_has_ends",
                        violation_error_message="A scale needs its two ends, between 0 and 10.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("least", None), ("most", None), ("least__lt", models.F("most")), _connector="OR"
                        ),
                        name="question_least_before_most",
                        violation_error_message="The highest number must be above the lowest.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("show_if_key", ""), ("show_if_test", "")),
                            models.Q(
                                models.Q(("show_if_key", ""), _negated=True),
                                models.Q(("show_if_test", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="question_condition_is_whole",
                        violation_error_message="A condition needs both the question and what its answer must be.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Survey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=60, unique=True, verbose_name="slug")),
                ("title_en", models.CharField(max_length=150, verbose_name="title (English)")),
                ("title_zh", models.CharField(blank=True, max_length=150, verbose_name="title (Chinese)")),
                ("intro_en", models.TextField(blank=True, verbose_name="introduction (English)")),
                ("intro_zh", models.TextField(blank=True, verbose_name="introduction (Chinese)")),
                (
                    "thanks_en",
                    models.TextField(
                        blank=True, help_text="Shown after the last question.", verbose_name="thanks (English)"
                    ),
                ),
                ("thanks_zh", models.TextField(blank=True, verbose_name="thanks (Chinese)")),
                (
                    "anonymity",
                    models.CharField(
                        choices=[
                            ("identified", "identified: the shop sees who answered"),
                            ("confidential", "confidential: only totals are shown"),
                            ("anonymous", "anonymous: nobody can ever find out"),
                        ],
                        default="identified",
                        help_text="Said to the customer on the first page, and a promise: it no longer changes once published.",
                        max_length=12,
                        verbose_name="anonymity",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
            ],
            options={
                "verbose_name": "survey",
                "verbose_name_plural": "surveys",
            },
        ),
        migrations.CreateModel(
            name="Campaign",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="For staff.", max_length=100, verbose_name="name")),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("one_off", "once"),
                            ("recurring", "again and again"),
                            ("purchase", "after each purchase"),
                            ("nth_purchase", "after a certain purchase, such as the fifth"),
                            ("tier", "when a tier is reached"),
                            ("points_expiring", "when points are about to expire"),
                            ("lapsed", "when somebody has stayed away"),
                            ("birthday", "for the birthday"),
                            ("contact", "after a call to the hotline"),
                            ("case_closed", "after a case was closed"),
                        ],
                        default="one_off",
                        max_length=16,
                        verbose_name="trigger",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("requested", "waiting for release"),
                            ("scheduled", "scheduled"),
                            ("paused", "paused"),
                            ("cancelled", "cancelled"),
                            ("archived", "archived"),
                        ],
                        default="draft",
                        editable=False,
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "scheduled_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="In the programme's time zone. What has a trigger of its own begins to look for it then.",
                        null=True,
                        verbose_name="send at",
                    ),
                ),
                (
                    "rhythm",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("daily", "every day"),
                            ("weekly", "every week"),
                            ("monthly", "every month"),
                            ("quarterly", "every quarter"),
                            ("yearly", "every year"),
                        ],
                        help_text="Of what comes again and again: counted from the first time, at the same hour of the clock.",
                        max_length=10,
                        verbose_name="rhythm",
                    ),
                ),
                (
                    "ends_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Nothing new begins after this. Empty is never.",
                        null=True,
                        verbose_name="ends at",
                    ),
                ),
                (
                    "delay_days",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="Between the occasion and the mail.", verbose_name="days of delay"
                    ),
                ),
                (
                    "delay_days_web",
                    models.PositiveSmallIntegerField(
                        default=7,
                        help_text="After a purchase in the web shop, so that it can arrive.",
                        verbose_name="days of delay, web shop",
                    ),
                ),
                (
                    "number",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Which purchase (5 is the fifth), or how many points at least are about to expire.",
                        null=True,
                        verbose_name="number",
                    ),
                ),
                (
                    "days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Without a purchase, or left until points expire, or before the birthday.",
                        null=True,
                        verbose_name="days",
                    ),
                ),
                (
                    "on_quarantine",
                    models.CharField(
                        choices=[("drop", "do not ask"), ("defer", "try again for seven days")],
                        default="drop",
                        help_text="What happens when the occasion falls into the quarantine.",
                        max_length=10,
                        verbose_name="who was asked not long ago",
                    ),
                ),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="From 1, the highest, to 9: which campaign may ask when two want the same person.",
                        verbose_name="priority",
                    ),
                ),
                (
                    "segment",
                    models.CharField(help_text="A segment of customers.", max_length=40, verbose_name="audience"),
                ),
                (
                    "sample",
                    models.PositiveIntegerField(
                        default=10000,
                        help_text="In basis points of the audience: 10,000 asks everybody.",
                        verbose_name="sample",
                    ),
                ),
                (
                    "holdout",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="In basis points: kept apart and never asked, to compare with.",
                        verbose_name="hold-out",
                    ),
                ),
                (
                    "quarantine_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="Nobody gets a second survey mail within these days, over all campaigns; never within 24 hours.",
                        verbose_name="quarantine days",
                    ),
                ),
                (
                    "answered_days",
                    models.PositiveSmallIntegerField(
                        default=90,
                        help_text="Whoever answered any survey within these days is not asked.",
                        verbose_name="days of rest after an answer",
                    ),
                ),
                (
                    "spread_days",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="1 sends all on one day; 5 a fifth each day, by lot.",
                        verbose_name="spread over days",
                    ),
                ),
                (
                    "reminders",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="To those who have not answered: none, 1 or 2. The second brings little and annoys more.",
                        verbose_name="reminders",
                    ),
                ),
                (
                    "reminder_days",
                    models.PositiveSmallIntegerField(
                        default=4, help_text="After the mail before it.", verbose_name="days until a reminder"
                    ),
                ),
                ("subject_en", models.CharField(max_length=150, verbose_name="subject (English)")),
                ("subject_zh", models.CharField(blank=True, max_length=150, verbose_name="subject (Chinese)")),
                (
                    "subject_b_en",
                    models.CharField(
                        blank=True,
                        help_text="To compare: half the mails get it, by lot. Empty compares nothing.",
                        max_length=150,
                        verbose_name="second subject (English)",
                    ),
                ),
                ("subject_b_zh", models.CharField(blank=True, max_length=150, verbose_name="second subject (Chinese)")),
                (
                    "reminder_subject_en",
                    models.CharField(
                        blank=True,
                        help_text="Another one than the first mail's. Empty writes “Your opinion counts:” before the subject.",
                        max_length=150,
                        verbose_name="reminder's subject (English)",
                    ),
                ),
                (
                    "reminder_subject_zh",
                    models.CharField(blank=True, max_length=150, verbose_name="reminder's subject (Chinese)"),
                ),
                (
                    "body_en",
                    models.TextField(
                        blank=True,
                        help_text="The paragraph above the link. {name} is the customer's name.",
                        verbose_name="text (English)",
                    ),
                ),
                ("body_zh", models.TextField(blank=True, verbose_name="text (Chinese)")),
                (
                    "points",
                    models.PositiveIntegerField(
                        default=0, help_text="Whatever the answer; 0 promises nothing.", verbose_name="thank-you points"
                    ),
                ),
                (
                    "thanks_per_day",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Later ones wait for the next day. Empty is no limit.",
                        null=True,
                        verbose_name="thanks per day",
                    ),
                ),
                (
                    "thanks_limit",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Once used up nothing is promised any more; who was promised waits for you. Empty is no limit.",
                        null=True,
                        verbose_name="thanks in all",
                    ),
                ),
                (
                    "thanks_holdout",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="In basis points: asked without a promise of thanks, by a coin, to learn what the thanks do. 0 compares nothing.",
                        verbose_name="compared",
                    ),
                ),
                (
                    "quick_seconds",
                    models.PositiveSmallIntegerField(
                        default=3,
                        help_text="Thanks for answers given in fewer seconds are held until somebody has looked. 0 holds none.",
                        verbose_name="too quick",
                    ),
                ),
                (
                    "hour_from",
                    models.PositiveSmallIntegerField(
                        default=9,
                        help_text="Mails leave in this window of the customer's day.",
                        verbose_name="from hour",
                    ),
                ),
                ("hour_until", models.PositiveSmallIntegerField(default=20, verbose_name="until hour")),
                (
                    "answer_days",
                    models.PositiveSmallIntegerField(
                        default=30, help_text="How long the link can be answered.", verbose_name="answer days"
                    ),
                ),
                (
                    "per_claim",
                    models.PositiveSmallIntegerField(
                        default=20,
                        help_text="How many mails a crash can leave uncertain. 1 is the most careful, 20 the quickest.",
                        verbose_name="mails per claim",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "released_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="released at"),
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
                    "coupon_batch",
                    models.ForeignKey(
                        blank=True,
                        help_text="A coupon of this batch, whatever the answer.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.couponbatch",
                        verbose_name="thank-you coupon",
                    ),
                ),
                (
                    "released_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="released by",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="requested by",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        help_text="Only customers who bought here. Empty is all.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="customers.store",
                        verbose_name="store",
                    ),
                ),
                (
                    "tier",
                    models.ForeignKey(
                        blank=True,
                        help_text="Which tier is reached. Empty is any.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.tier",
                        verbose_name="tier",
                    ),
                ),
                (
                    "trial",
                    models.OneToOneField(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaign",
                        to="rewards.trial",
                        verbose_name="trial",
                    ),
                ),
                (
                    "survey",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaigns",
                        to="surveys.survey",
                        verbose_name="survey",
                    ),
                ),
            ],
            options={
                "verbose_name": "campaign",
                "verbose_name_plural": "campaigns",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["draft", "cancelled", "archived"]),
                            ("scheduled_at__isnull", False),
                            _connector="OR",
                        ),
                        name="campaign_scheduled_has_a_time",
                        violation_error_message="A scheduled campaign needs a time.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("holdout__lte", 10000), ("sample__lte", 10000)),
                        name="campaign_shares_at_most_all",
                        violation_error_message="Sample and hold-out are at most 10,000 basis points, which is everybody.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("thanks_holdout", 0),
                            models.Q(
                                ("thanks_holdout__gte", 500),
                                ("thanks_holdout__lte", 5000),
                                models.Q(("points__gt", 0), ("coupon_batch__isnull", False), _connector="OR"),
                            ),
                            _connector="OR",
                        ),
                        name="campaign_compares_thanks",
                        violation_error_message="Between 5 and 50 of 100 can be asked without thanks, and only where there are any.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("hour_from__lt", models.F("hour_until")), ("hour_until__lte", 24)),
                        name="campaign_window_is_open",
                        violation_error_message="The window must end after it begins, at 24 at the latest.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("per_claim__gte", 1), ("per_claim__lte", 500)),
                        name="campaign_claims_some",
                        violation_error_message="Mails per claim lie between 1 and 500.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("trigger", "recurring"), models.Q(("rhythm", ""), _negated=True)),
                            models.Q(models.Q(("trigger", "recurring"), _negated=True), ("rhythm", "")),
                            _connector="OR",
                        ),
                        name="campaign_recurs_in_a_rhythm",
                        violation_error_message="Say how often it comes again; only a campaign that does has a rhythm.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("trigger", "nth_purchase"), _negated=True),
                            models.Q(("number__gte", 1), ("number__isnull", False)),
                            _connector="OR",
                        ),
                        name="campaign_knows_which_purchase",
                        violation_error_message="Say which purchase, such as 5 for the fifth.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("trigger__in", ["lapsed", "points_expiring"]), _negated=True),
                            models.Q(("days__gte", 1), ("days__isnull", False)),
                            _connector="OR",
                        ),
                        name="campaign_knows_how_many_days",
                        violation_error_message="Say how many days.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("priority__gte", 1), ("priority__lte", 9)),
                        name="campaign_priority_in_bounds",
                        violation_error_message="The priority lies between 1 and 9.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("spread_days__gte", 1), ("spread_days__lte", 30)),
                        name="campaign_spreads_over_days",
                        violation_error_message="Mails are spread over 1 to 30 days.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reminder_days__gte", 1), ("reminders__lte", 2)),
                        name="campaign_reminds_twice_at_most",
                        violation_error_message="There are two reminders at most, each a day or more after the mail before it.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("email_normalised", models.CharField(blank=True, max_length=254, verbose_name="mailbox")),
                ("language", models.CharField(max_length=10, verbose_name="language")),
                ("time_zone", models.CharField(max_length=60, verbose_name="time zone")),
                ("name", models.CharField(blank=True, max_length=150, verbose_name="name")),
                (
                    "skip",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("holdout", "kept apart to compare with"),
                            ("not_sampled", "not in the sample"),
                            ("quarantine", "was asked not long ago"),
                            ("unsubscribed", "unsubscribed"),
                            ("no_consent", "did not agree to surveys"),
                            ("suppressed", "the address is suppressed"),
                            ("duplicate_mailbox", "the mailbox is asked already"),
                            ("invalid_address", "no usable address"),
                            ("already_answered", "answered already"),
                            ("paused", "wants a pause"),
                        ],
                        max_length=20,
                        verbose_name="skipped",
                    ),
                ),
                ("viewed_at", models.DateTimeField(blank=True, null=True, verbose_name="viewed at")),
                (
                    "has_answered",
                    models.BooleanField(
                        default=False,
                        help_text="Without a time, so that it leads to no answer of an anonymous survey.",
                        verbose_name="has answered",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invitations",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "invitation",
                "verbose_name_plural": "invitations",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("skip", ""), _negated=True),
                            models.Q(("email_normalised", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="invitation_goes_to_a_mailbox",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Intent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "value",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Empty for the link that no person can see.",
                        null=True,
                        verbose_name="value",
                    ),
                ),
                (
                    "agent",
                    models.CharField(
                        choices=[("browser", "browser"), ("scanner", "link scanner"), ("other", "other program")],
                        max_length=10,
                        verbose_name="opened by",
                    ),
                ),
                ("occurred_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="occurred at")),
                (
                    "invitation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="intents",
                        to="surveys.invitation",
                        verbose_name="invitation",
                    ),
                ),
            ],
            options={
                "verbose_name": "opened rating link",
                "verbose_name_plural": "opened rating links",
            },
        ),
        migrations.CreateModel(
            name="MailAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mailer", models.CharField(max_length=40, unique=True, verbose_name="mailer")),
                (
                    "most_per_second",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="What your account allows. Empty is as fast as it goes.",
                        null=True,
                        verbose_name="mails per second",
                    ),
                ),
                (
                    "per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        editable=False,
                        help_text="Lower for a while after a throttling.",
                        null=True,
                        verbose_name="mails per minute at the moment",
                    ),
                ),
                (
                    "thousandths",
                    models.PositiveBigIntegerField(
                        default=0,
                        editable=False,
                        help_text="A thousand let one mail leave.",
                        verbose_name="thousandths of tokens",
                    ),
                ),
                (
                    "counted_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="counted at"),
                ),
                (
                    "throttled_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="throttled at"),
                ),
            ],
            options={
                "verbose_name": "mail account",
                "verbose_name_plural": "mail accounts",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("most_per_second__isnull", True), ("most_per_second__gte", 1), _connector="OR"
                        ),
                        name="mailaccount_sends_some",
                        violation_error_message="At least one mail per second; pause the run to stop it.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MailReport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("esp", models.CharField(max_length=40, verbose_name="provider")),
                ("dedupe_key", models.CharField(max_length=200, verbose_name="key")),
                ("kind", models.CharField(max_length=30, verbose_name="kind")),
                ("survey_message", models.CharField(blank=True, max_length=36, verbose_name="message")),
                ("email_hash", models.CharField(blank=True, max_length=64, verbose_name="hash of the mailbox")),
                ("detail", models.JSONField(blank=True, default=dict, verbose_name="detail")),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                (
                    "received_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="received at"),
                ),
            ],
            options={
                "verbose_name": "report of a mail provider",
                "verbose_name_plural": "reports of mail providers",
                "constraints": [models.UniqueConstraint(fields=("esp", "dedupe_key"), name="mailreport_once")],
            },
        ),
        migrations.CreateModel(
            name="Response",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("is_anonymous", models.BooleanField(default=False, verbose_name="anonymous")),
                (
                    "channel",
                    models.CharField(
                        default="email",
                        help_text="Where the link was found: email, wechat, receipt, window …",
                        max_length=40,
                        verbose_name="channel",
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("web", "web"), ("phone", "phone")], default="web", max_length=10, verbose_name="mode"
                    ),
                ),
                ("language", models.CharField(max_length=10, verbose_name="language")),
                ("is_test", models.BooleanField(default=False, verbose_name="test")),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="started at")),
                ("completed_at", models.DateTimeField(blank=True, null=True, verbose_name="completed at")),
                ("declined_at", models.DateTimeField(blank=True, null=True, verbose_name="declined at")),
                ("page", models.PositiveSmallIntegerField(default=0, editable=False, verbose_name="pages answered")),
                (
                    "seconds",
                    models.PositiveIntegerField(
                        blank=True,
                        editable=False,
                        help_text="How long the answering pages were open.",
                        null=True,
                        verbose_name="seconds",
                    ),
                ),
                (
                    "flags",
                    models.JSONField(
                        blank=True,
                        default=list,
                        editable=False,
                        help_text="What looks odd about this answer.",
                        verbose_name="remarks",
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
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="responses",
                        to="surveys.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="responses",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "invitation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="responses",
                        to="surveys.invitation",
                        verbose_name="invitation",
                    ),
                ),
            ],
            options={
                "verbose_name": "response",
                "verbose_name_plural": "responses",
                "indexes": [models.Index(fields=["completed_at"], name="response_completed_at")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_test", False)),
                        fields=("invitation",),
                        name="response_once_per_invitation",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_anonymous", False),
                            models.Q(("by", None), ("customer", None), ("invitation", None)),
                            _connector="OR",
                        ),
                        name="response_anonymous_is_nobodys",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("completed_at", None), ("declined_at", None), _connector="OR"),
                        name="response_completed_or_declined",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Case",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "new"),
                            ("contacted", "contacted"),
                            ("waiting", "waiting"),
                            ("resolved", "resolved"),
                            ("unreachable", "unreachable"),
                            ("no_action", "no action"),
                        ],
                        default="new",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("subject", models.CharField(max_length=200, verbose_name="subject")),
                ("due_at", models.DateTimeField(verbose_name="due at")),
                (
                    "opened_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="opened at"),
                ),
                ("closed_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="closed at")),
                (
                    "escalated_at",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="When the managers were told it is late.",
                        null=True,
                        verbose_name="escalated at",
                    ),
                ),
                (
                    "cause",
                    models.CharField(
                        blank=True,
                        help_text="What went wrong, in a few words; needed to close the case.",
                        max_length=200,
                        verbose_name="cause",
                    ),
                ),
                (
                    "outcome",
                    models.TextField(
                        blank=True, help_text="What was done; needed to close the case.", verbose_name="outcome"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cases",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cases",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whose people take care; where the customer was last.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.store",
                        verbose_name="store",
                    ),
                ),
                (
                    "response",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="case",
                        to="surveys.response",
                        verbose_name="response",
                    ),
                ),
            ],
            options={
                "verbose_name": "case",
                "verbose_name_plural": "cases",
                "indexes": [
                    models.Index(fields=["state", "due_at"], name="case_due"),
                    models.Index(
                        condition=models.Q(("closed_at", None), ("escalated_at", None)),
                        fields=["due_at"],
                        name="case_to_escalate",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("state__in", ["new", "contacted", "waiting"])),
                            models.Q(
                                ("closed_at__isnull", False), ("state__in", ["resolved", "unreachable", "no_action"])
                            ),
                            _connector="OR",
                        ),
                        name="case_closed_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "resolved"), _negated=True),
                            models.Q(("outcome", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="case_resolved_says_how",
                        violation_error_message="A resolved case says what was done.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Answer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.BigIntegerField(blank=True, null=True, verbose_name="number")),
                (
                    "chosen",
                    models.JSONField(
                        blank=True, help_text="Numbers of the choices, from 0.", null=True, verbose_name="chosen"
                    ),
                ),
                ("text", models.TextField(blank=True, verbose_name="text")),
                (
                    "question",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="surveys.question",
                        verbose_name="question",
                    ),
                ),
                (
                    "response",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answers",
                        to="surveys.response",
                        verbose_name="response",
                    ),
                ),
            ],
            options={
                "verbose_name": "answer",
                "verbose_name_plural": "answers",
                "constraints": [
                    models.UniqueConstraint(fields=("response", "question"), name="answer_once_per_question")
                ],
            },
        ),
        migrations.CreateModel(
            name="RewardGrant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("granted", "given"), ("held", "held"), ("refused", "refused")],
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "reasons",
                    models.JSONField(blank=True, default=list, help_text="Why it was held.", verbose_name="reasons"),
                ),
                ("points", models.PositiveIntegerField(default=0, verbose_name="points")),
                (
                    "granted_date",
                    models.DateField(
                        blank=True,
                        help_text="The day whose budget it took, in the programme's time zone.",
                        null=True,
                        verbose_name="counts for",
                    ),
                ),
                (
                    "earned_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="earned at"),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided at")),
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
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="surveys.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "coupon",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="rewards.coupon",
                        verbose_name="coupon",
                    ),
                ),
                (
                    "invitation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grant",
                        to="surveys.invitation",
                        verbose_name="invitation",
                    ),
                ),
            ],
            options={
                "verbose_name": "thanks for an answer",
                "verbose_name_plural": "thanks for answers",
                "indexes": [models.Index(fields=["campaign", "state", "granted_date"], name="rewardgrant_of_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("granted_date__isnull", False), ("state", "granted")),
                            models.Q(
                                models.Q(("state", "granted"), _negated=True),
                                ("coupon", None),
                                ("granted_date", None),
                                ("points", 0),
                            ),
                            _connector="OR",
                        ),
                        name="rewardgrant_given_on_a_day",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "period_key",
                    models.CharField(
                        help_text="The planned local time; planning twice makes one run.",
                        max_length=60,
                        verbose_name="period",
                    ),
                ),
                (
                    "phase",
                    models.CharField(
                        choices=[
                            ("preparing", "preparing"),
                            ("sending", "sending"),
                            ("paused", "paused"),
                            ("cancelled", "cancelled"),
                            ("closed", "closed"),
                            ("missed", "missed"),
                        ],
                        default="preparing",
                        max_length=10,
                        verbose_name="phase",
                    ),
                ),
                (
                    "pause_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("manual", "by hand"),
                            ("provider_auth", "the provider refuses our account"),
                            ("error_rate", "too many errors"),
                            ("complaint_rate", "too many complaints"),
                            ("bounce_rate", "too many bounces"),
                        ],
                        max_length=15,
                        verbose_name="pause reason",
                    ),
                ),
                ("planned_at", models.DateTimeField(verbose_name="planned at")),
                (
                    "prepared_through",
                    models.PositiveBigIntegerField(
                        default=0,
                        editable=False,
                        help_text="The last customer considered, so that preparing can go on after a crash.",
                        verbose_name="prepared through",
                    ),
                ),
                ("prepared_at", models.DateTimeField(blank=True, null=True, verbose_name="prepared at")),
                (
                    "audience_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Empty is the planned moment; newcomers move it on.",
                        null=True,
                        verbose_name="audience as of",
                    ),
                ),
                (
                    "closes_at",
                    models.DateTimeField(help_text="Until when the links can be answered.", verbose_name="closes at"),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="surveys.campaign",
                        verbose_name="campaign",
                    ),
                ),
            ],
            options={
                "verbose_name": "run",
                "verbose_name_plural": "runs",
                "constraints": [
                    models.UniqueConstraint(fields=("campaign", "period_key"), name="run_once_per_period"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("phase", "paused"), models.Q(("pause_reason", ""), _negated=True)),
                            models.Q(models.Q(("phase", "paused"), _negated=True), ("pause_reason", "")),
                            _connector="OR",
                        ),
                        name="run_paused_for_a_reason",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="response",
            name="run",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty for answers that no mail asked for.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="responses",
                to="surveys.run",
                verbose_name="run",
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="invitations",
                to="surveys.run",
                verbose_name="run",
            ),
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email_hash", models.CharField(max_length=64, verbose_name="hash of the mailbox")),
                (
                    "scope",
                    models.CharField(
                        choices=[("all", "all mail"), ("surveys", "all surveys")], max_length=10, verbose_name="scope"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("unsubscribed", "unsubscribed"),
                            ("bounced", "bounced"),
                            ("complained", "complained"),
                            ("invalid", "invalid address"),
                            ("staff", "by staff"),
                        ],
                        max_length=15,
                        verbose_name="reason",
                    ),
                ),
                ("source", models.CharField(max_length=200, verbose_name="source")),
                ("occurred_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="occurred at")),
            ],
            options={
                "verbose_name": "suppression",
                "verbose_name_plural": "suppressions",
                "constraints": [
                    models.UniqueConstraint(fields=("email_hash", "scope"), name="suppression_once_per_scope")
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("query", models.CharField(blank=True, max_length=500, verbose_name="query")),
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
                    "survey",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_filters",
                        to="surveys.survey",
                        verbose_name="survey",
                    ),
                ),
            ],
            options={
                "verbose_name": "kept filter",
                "verbose_name_plural": "kept filters",
                "constraints": [models.UniqueConstraint(fields=("survey", "name"), name="savedfilter_name_once")],
            },
        ),
        migrations.CreateModel(
            name="CaseRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                (
                    "test",
                    models.CharField(
                        choices=[
                            ("rating", "a low rating"),
                            ("words", "words in a comment"),
                            ("choice", "a choice was made"),
                        ],
                        default="rating",
                        max_length=10,
                        verbose_name="opens a case",
                    ),
                ),
                (
                    "question_kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("nps", "recommendation, 0 to 10 (NPS)"),
                            ("csat", "satisfaction, 1 to 5 (CSAT)"),
                            ("ces", "effort, 1 to 7 (CES)"),
                            ("stars", "stars, 1 to 5"),
                        ],
                        max_length=10,
                        verbose_name="rating",
                    ),
                ),
                ("at_most", models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="at most")),
                (
                    "words",
                    models.TextField(
                        blank=True,
                        help_text="One per line, in any language; any of them opens a case.",
                        verbose_name="words",
                    ),
                ),
                (
                    "question_key",
                    models.SlugField(
                        blank=True,
                        db_index=False,
                        help_text="For “please call me”.",
                        max_length=40,
                        verbose_name="key of the question",
                    ),
                ),
                (
                    "choice_number",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="Counted from 1.", null=True, verbose_name="number of the choice"
                    ),
                ),
                (
                    "due_days",
                    models.PositiveSmallIntegerField(
                        default=2, help_text="Working days, Monday to Friday.", verbose_name="due in"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                (
                    "survey",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty is every survey.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="case_rules",
                        to="surveys.survey",
                        verbose_name="survey",
                    ),
                ),
            ],
            options={
                "verbose_name": "rule for cases",
                "verbose_name_plural": "rules for cases",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("test", "rating"), _negated=True),
                            models.Q(models.Q(("question_kind", ""), _negated=True), ("at_most__isnull", False)),
                            _connector="OR",
                        ),
                        name="caserule_rating_is_whole",
                        violation_error_message="Say which rating, and up to which number.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("test", "words"), _negated=True),
                            models.Q(("words", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="caserule_words_are_given",
                        violation_error_message="Write the words, one per line.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("test", "choice"), _negated=True),
                            models.Q(
                                models.Q(("question_key", ""), _negated=True),
                                ("choice_number__gte", 1),
                                ("choice_number__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="caserule_choice_is_whole",
                        violation_error_message="Say which question and which choice.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("due_days__lte", 60)),
                        name="caserule_due_in_time",
                        violation_error_message="A case is due within 60 working days.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SurveyLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channel",
                    models.CharField(help_text="Answers are counted by it.", max_length=20, verbose_name="place"),
                ),
                (
                    "label",
                    models.CharField(
                        blank=True,
                        help_text="To tell two links of one place apart, such as two tables.",
                        max_length=60,
                        verbose_name="note",
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        default=surveys.models.link.new_code,
                        editable=False,
                        max_length=20,
                        unique=True,
                        verbose_name="code",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="Switched off, the link says so.", verbose_name="in use"
                    ),
                ),
                (
                    "closes_at",
                    models.DateTimeField(
                        blank=True, help_text="Empty stays open.", null=True, verbose_name="closes at"
                    ),
                ),
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
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="links",
                        to="surveys.campaign",
                        verbose_name="campaign",
                    ),
                ),
            ],
            options={
                "verbose_name": "link to a survey",
                "verbose_name_plural": "links to surveys",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "channel", "label"),
                        name="surveylink_once_per_place",
                        violation_error_message="There is such a link already; add a note to tell them apart.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ChatPost",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="key")),
                ("text", models.CharField(max_length=500, verbose_name="text")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("sending", "sending"),
                            ("sent", "accepted by the service"),
                            ("unconfirmed", "not confirmed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="queued",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("claimed_at", models.DateTimeField(blank=True, null=True, verbose_name="claimed at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                ("queued_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="queued at")),
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
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="posts",
                        to="surveys.chatgroup",
                        verbose_name="chat group",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="posts",
                        to="surveys.surveylink",
                        verbose_name="link to a survey",
                    ),
                ),
            ],
            options={
                "verbose_name": "post to a chat group",
                "verbose_name_plural": "posts to chat groups",
                "indexes": [models.Index(fields=["state", "id"], name="chatpost_by_state")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("claimed_at", None), ("state", "queued")),
                            ("state", "cancelled"),
                            ("claimed_at__isnull", False),
                            _connector="OR",
                        ),
                        name="chatpost_claimed_before_it_leaves",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SurveyPreference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "is_left_out",
                    models.BooleanField(
                        default=False,
                        help_text="All surveys end by withdrawing the consent.",
                        verbose_name="wants no mail of this campaign",
                    ),
                ),
                ("has_no_reminders", models.BooleanField(default=False, verbose_name="wants no reminders")),
                ("paused_until", models.DateTimeField(blank=True, null=True, verbose_name="paused until")),
                (
                    "changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="changed at"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty for all surveys.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="surveys.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="survey_preferences",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "survey preference",
                "verbose_name_plural": "survey preferences",
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "campaign"), name="surveypreference_once_per_campaign"),
                    models.UniqueConstraint(
                        condition=models.Q(("campaign", None)),
                        fields=("customer",),
                        name="surveypreference_once_for_all",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("campaign", None), ("is_left_out", False)),
                            models.Q(("campaign__isnull", False), ("has_no_reminders", False), ("paused_until", None)),
                            _connector="OR",
                        ),
                        name="surveypreference_fits_its_reach",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SurveyVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="version")),
                (
                    "published_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="published at"),
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
                    "survey",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="surveys.survey",
                        verbose_name="survey",
                    ),
                ),
            ],
            options={
                "verbose_name": "survey version",
                "verbose_name_plural": "survey versions",
                "constraints": [
                    models.UniqueConstraint(fields=("survey", "number"), name="surveyversion_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("published_at", None)), fields=("survey",), name="surveyversion_one_draft"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="run",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="runs",
                to="surveys.surveyversion",
                verbose_name="survey version",
            ),
        ),
        migrations.AddField(
            model_name="response",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="responses",
                to="surveys.surveyversion",
                verbose_name="survey version",
            ),
        ),
        migrations.AddField(
            model_name="question",
            name="version",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="questions",
                to="surveys.surveyversion",
                verbose_name="version",
            ),
        ),
        migrations.CreateModel(
            name="Theme",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name_en", models.CharField(max_length=60, verbose_name="name (English)")),
                ("name_zh", models.CharField(blank=True, max_length=60, verbose_name="name (Chinese)")),
                (
                    "words_en",
                    models.TextField(
                        blank=True,
                        help_text="One per line. “wait” also finds “waiting” and “waited”.",
                        verbose_name="keywords (English)",
                    ),
                ),
                (
                    "words_zh",
                    models.TextField(
                        blank=True, help_text="One per line; found anywhere.", verbose_name="keywords (Chinese)"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
            ],
            options={
                "verbose_name": "theme of comments",
                "verbose_name_plural": "themes of comments",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("words_en", ""), ("words_zh", ""), _negated=True),
                        name="theme_has_keywords",
                        violation_error_message="A theme needs keywords in at least one language.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="VerbatimTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40, unique=True, verbose_name="name")),
            ],
            options={
                "verbose_name": "tag of comments",
                "verbose_name_plural": "tags of comments",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="verbatimtag_has_a_name"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Wording",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "arm",
                    models.CharField(
                        choices=[("a", "A"), ("b", "B")], default="a", max_length=1, verbose_name="subject"
                    ),
                ),
                ("revision", models.PositiveSmallIntegerField(default=1, verbose_name="revision")),
                ("subject_en", models.CharField(max_length=150, verbose_name="subject (English)")),
                ("subject_zh", models.CharField(blank=True, max_length=150, verbose_name="subject (Chinese)")),
                (
                    "reminder_subject_en",
                    models.CharField(blank=True, max_length=150, verbose_name="reminder's subject (English)"),
                ),
                (
                    "reminder_subject_zh",
                    models.CharField(blank=True, max_length=150, verbose_name="reminder's subject (Chinese)"),
                ),
                ("body_en", models.TextField(blank=True, verbose_name="text (English)")),
                ("body_zh", models.TextField(blank=True, verbose_name="text (Chinese)")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="wordings",
                        to="surveys.campaign",
                        verbose_name="campaign",
                    ),
                ),
            ],
            options={
                "verbose_name": "wording",
                "verbose_name_plural": "wordings",
                "constraints": [
                    models.UniqueConstraint(fields=("campaign", "arm", "revision"), name="wording_revision_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("invite", "invitation"), ("reminder", "reminder")],
                        default="invite",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("number", models.PositiveSmallIntegerField(default=1, verbose_name="number")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("claimed", "about to be sent"),
                            ("sending", "sending"),
                            ("accepted", "accepted by the provider"),
                            ("delivered", "delivered"),
                            ("skipped", "skipped"),
                            ("expired", "expired"),
                            ("cancelled", "cancelled"),
                            ("failed", "failed"),
                            ("bounced", "bounced"),
                            ("complained", "complained about"),
                            ("uncertain", "uncertain"),
                            ("written_off", "written off"),
                        ],
                        default="queued",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("not_before", models.DateTimeField(verbose_name="not before")),
                ("claim", models.UUIDField(blank=True, null=True, verbose_name="claim")),
                ("lease_until", models.DateTimeField(blank=True, null=True, verbose_name="lease until")),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                (
                    "error",
                    models.CharField(
                        blank=True,
                        help_text="What the mail server said, without any address.",
                        max_length=300,
                        verbose_name="error",
                    ),
                ),
                ("provider_id", models.CharField(blank=True, max_length=200, verbose_name="provider's id")),
                (
                    "replay_until",
                    models.DateTimeField(
                        blank=True,
                        help_text="Until then the provider takes the same message again without sending it twice.",
                        null=True,
                        verbose_name="repeatable until",
                    ),
                ),
                (
                    "replay_account",
                    models.CharField(blank=True, editable=False, max_length=64, verbose_name="repeatable at"),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "invitation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="surveys.invitation",
                        verbose_name="invitation",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="surveys.run",
                        verbose_name="run",
                    ),
                ),
                (
                    "wording",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="surveys.wording",
                        verbose_name="wording",
                    ),
                ),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "indexes": [
                    models.Index(fields=["run", "state"], name="message_of_run"),
                    models.Index(
                        condition=models.Q(("state", "queued")),
                        fields=["run", "not_before", "id"],
                        name="message_of_run_to_send",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["claimed", "sending"])),
                        fields=["lease_until"],
                        name="message_to_reap",
                    ),
                    models.Index(
                        condition=models.Q(("replay_until__isnull", False), ("state", "uncertain")),
                        fields=["not_before"],
                        name="message_to_replay",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("invitation", "kind", "number"), name="message_once_per_invitation_and_kind"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("claim__isnull", False), ("lease_until__isnull", False)),
                            models.Q(("state__in", ["claimed", "sending"]), _negated=True),
                            _connector="OR",
                        ),
                        name="message_sending_is_leased",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Verbatim",
            fields=[
                (
                    "answer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="verbatim",
                        serialize=False,
                        to="surveys.answer",
                        verbose_name="answer",
                    ),
                ),
                (
                    "folded",
                    models.TextField(
                        help_text="No difference of case, width and accents; words stand between single blanks.",
                        verbose_name="text, folded",
                    ),
                ),
                (
                    "tags",
                    models.ManyToManyField(
                        blank=True, related_name="verbatims", to="surveys.verbatimtag", verbose_name="tags"
                    ),
                ),
            ],
            options={
                "verbose_name": "comment",
                "verbose_name_plural": "comments",
            },
        ),
        migrations.CreateModel(
            name="ContactLogEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("hotline", "hotline"),
                            ("store", "store"),
                            ("wechat", "WeChat"),
                            ("weibo", "Weibo"),
                            ("whatsapp", "WhatsApp"),
                            ("facebook", "Facebook"),
                            ("instagram", "Instagram"),
                            ("x", "X"),
                            ("email", "e-mail"),
                            ("other", "other"),
                        ],
                        max_length=10,
                        verbose_name="channel",
                    ),
                ),
                (
                    "direction",
                    models.CharField(
                        choices=[("in", "from the customer"), ("out", "to the customer")],
                        default="in",
                        max_length=3,
                        verbose_name="direction",
                    ),
                ),
                ("topic", models.CharField(max_length=100, verbose_name="topic")),
                ("text", models.TextField(blank=True, verbose_name="what was said")),
                ("link", models.URLField(blank=True, verbose_name="link")),
                ("duration_minutes", models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="minutes")),
                ("follow_up_date", models.DateField(blank=True, null=True, verbose_name="follow up on")),
                ("occurred_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="occurred at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                (
                    "key",
                    models.UUIDField(
                        blank=True,
                        editable=False,
                        help_text="The same form writes once.",
                        null=True,
                        unique=True,
                        verbose_name="key",
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
                    "case",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contacts",
                        to="surveys.case",
                        verbose_name="case",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contacts",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "contact log entry",
                "verbose_name_plural": "contact log",
                "indexes": [models.Index(fields=["customer", "-occurred_at", "-id"], name="contact_of_customer")],
            },
        ),
        migrations.CreateModel(
            name="LinkThanks",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("points", models.PositiveIntegerField(verbose_name="points")),
                ("earned_at", models.DateTimeField(verbose_name="earned at")),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="link_thanks",
                        to="surveys.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "coupon",
                    models.OneToOneField(
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="link_thanks",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "thanks for an answer by link",
                "verbose_name_plural": "thanks for answers by link",
                "constraints": [models.UniqueConstraint(fields=("campaign", "customer"), name="linkthanks_once")],
            },
        ),
        migrations.CreateModel(
            name="DeliveryEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("esp", models.CharField(max_length=40, verbose_name="provider")),
                ("dedupe_key", models.CharField(max_length=200, verbose_name="key")),
                ("kind", models.CharField(max_length=30, verbose_name="kind")),
                ("detail", models.JSONField(blank=True, default=dict, verbose_name="detail")),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                (
                    "message",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="surveys.message",
                        verbose_name="message",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery event",
                "verbose_name_plural": "delivery events",
                "constraints": [models.UniqueConstraint(fields=("esp", "dedupe_key"), name="deliveryevent_once")],
            },
        ),
        migrations.CreateModel(
            name="Occasion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "source",
                    models.CharField(
                        help_text="Such as purchase:1042 or birthday:42:2027.", max_length=100, verbose_name="cause"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("considered", "considered"),
                            ("repeated", "considered already on that day"),
                            ("expired", "too long ago"),
                            ("returned", "everything was returned"),
                            ("outside", "not in the audience"),
                            ("cancelled", "cancelled"),
                        ],
                        default="waiting",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="occurred at")),
                ("due_at", models.DateTimeField(verbose_name="due at")),
                (
                    "look_at",
                    models.DateTimeField(
                        help_text="When it is due, or later when it was put off.", verbose_name="look again at"
                    ),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="recorded at"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="occasions",
                        to="surveys.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="occasions",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "invitation",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="occasion",
                        to="surveys.invitation",
                        verbose_name="invitation",
                    ),
                ),
            ],
            options={
                "verbose_name": "occasion",
                "verbose_name_plural": "occasions",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["campaign", "look_at", "id"],
                        name="occasion_to_consider",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("campaign", "source"), name="occasion_once_per_campaign"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("invitation__isnull", False), ("state", "considered")),
                            models.Q(models.Q(("state", "considered"), _negated=True), ("invitation__isnull", True)),
                            _connector="OR",
                        ),
                        name="occasion_considered_has_an_invitation",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(
                condition=models.Q(("skip__in", ["holdout", "not_sampled"])),
                fields=["run", "email_normalised"],
                name="invitation_mailbox_apart",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(fields=("run", "customer"), name="invitation_customer_once_per_run"),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("skip", "")),
                fields=("run", "email_normalised"),
                name="invitation_mailbox_once_per_run",
            ),
        ),
        migrations.AddConstraint(
            model_name="response",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_test", False), models.Q(("invitation", None), ("run", None)), _connector="OR"),
                name="response_test_is_of_no_run",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.UniqueConstraint(fields=("version", "position"), name="question_position_once"),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.UniqueConstraint(fields=("version", "key"), name="question_key_once"),
        ),
    ]
