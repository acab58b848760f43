"""A saved filter that is chosen for coupons, a surprise and a survey reaches exactly its customers, each by its own doors."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from customers.models import Category, Customer, Notice, SavedFilter, Standing
from customers.tests.factories import consent, create_customer
from customers.tests.shopping import buy, create_product
from rewards import surprise_occasions, tasks
from rewards.models import Assignment, Coupon, Surprise
from rewards.tests import test_coupon_plans as plans
from rewards.tests import test_surprise_pages as surprises
from surveys import audience, campaigns
from surveys.models import Campaign, Invitation
from surveys.tests.factories import create_campaign

pytestmark = pytest.mark.django_db
TEA = {"Alice", "Bob"}


@pytest.fixture(params=["what was bought", "what is foretold"])
def key(request: pytest.FixtureRequest) -> str:
    """Alice and Bob bought tea, Charlie cake, Dora nothing yet and Erik tea long ago; everybody agreed to everything.

    The forecasts have Alice and Bob coming often, Charlie and Erik hardly; nobody knows of Dora.
    """
    now = timezone.now()
    tea, cake = (Category.objects.create(code=code, name_en=code.title()) for code in ("tea", "cake"))
    bought = {"Alice": (tea, 1), "Bob": (tea, 80), "Charlie": (cake, 1), "Dora": (None, 0), "Erik": (tea, 200)}
    for name, (category, days_ago) in bought.items():
        customer = create_customer(
            name=name, email=f"{name}@shop.example", birthday=dt.date(1990, now.month, 15), enrolled_at=now - dt.timedelta(300)
        )  # fmt: skip
        consent(customer, purpose="marketing")
        consent(customer)
        if category is not None:
            buy(customer, create_product(name, category=category), now=now, days_ago=days_ago)
            value, chance = (9_000, 700) if name in TEA else (9_000, 50) if name == "Erik" else (400, 700)
            Standing.objects.create(
                customer=customer, visits=1, spent=1, last_at=now, usual_days=9, due_at=now, lapsing_at=now, lapsed_at=now,
                value=value, value_low=value, value_high=value, chance_permille=chance, made_at=now,
            )  # fmt: skip
    foretold = {"value_least": 5_000, "chance_least": 40}
    conditions = {"category": tea.pk} if request.param == "what was bought" else foretold
    return SavedFilter.objects.create(code="tea", name_en="Tea lovers", conditions=conditions).key


def names(rows) -> list[str]:
    """Return whose rows these are, one name for each row."""
    return sorted(Customer.objects.get(pk=pk).name for pk in rows.values_list("customer", flat=True))


def test_coupons_and_their_mail(key: str):
    marketer, manager = plans.staff("marketer")[0], plans.staff("manager")[0]
    plan = plans.draft(marketer, **{"plan-0-segment": key})
    assert (plan.estimate["coupons"], plan.estimate["mails"]) == (2, 2)
    manager.post(plans.page(plan, "approve"), {"version": plan.version})
    for _again in range(3):
        tasks.work_on_coupons()
    assert names(Coupon.objects.filter(batch=plan.batch)) == names(Notice.objects.all()) == sorted(TEA)


def test_a_surprise(key: str):
    marketer, manager = surprises.staff("marketer")[0], surprises.staff("manager")[0]
    wanted = {"segment": key, "trigger": "birthday", "window": "month"}
    assert marketer.post(reverse("admin:rewards_surprise_add"), surprises.FIELDS | wanted).status_code == 302
    surprise = Surprise.objects.get()
    manager.post(surprises.address("approve", surprise), {"version": 1})
    for _again in range(2):
        surprise_occasions.look_around(now=timezone.now())
    surprise.refresh_from_db()
    assert names(Assignment.objects.filter(trial=surprise.trial)) == sorted(TEA)


def test_a_survey(key: str):
    marketer = plans.staff("marketer")[0]
    now = timezone.now()
    campaign = create_campaign(segment="everyone", scheduled_at=now)
    form = marketer.get(reverse("admin:surveys_campaign_change", args=[campaign.pk]))
    fields = form.context["adminform"].form
    assert (key, "Tea lovers") in fields.fields["segment"].choices
    Campaign.objects.filter(pk=campaign.pk).update(segment=key)
    assert marketer.post(reverse("admin:surveys_campaign_review", args=[campaign.pk])).status_code == 302
    [run] = campaigns.plan_due_runs(now=now + dt.timedelta(minutes=1))
    for _again in range(2):
        audience.prepare(run=run, now=now + dt.timedelta(minutes=1))
    assert names(Invitation.objects.filter(run=run, skip="")) == sorted(TEA)
    assert names(Invitation.objects.filter(run=run)) == sorted(TEA), "nobody else was even considered"
