"""The pages for marketers: their figures, how often they ask the database, and the file for the accountant."""

import csv
import datetime as dt
import io

import pytest
from django.core.cache import cache
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from customers import cohorts, months, standings
from customers.models import Customer, Purchase, RecommendationModel, SavedFilter, StandingNight
from customers.tests.factories import create_customer, create_store, create_user
from loyalty_site.insights.charts import Chart
from loyalty_site.roles import ensure_roles
from rewards import ledger, liability, vintages
from rewards.tests.coupon_factories import create_batch, issue_coupon
from rewards.tests.factories import award
from rewards.tests.surprise_factories import create_surprise

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
PAGES = ["/insights/", "/insights/points-owed/"]


@pytest.fixture
def marketer() -> Client:
    user = create_user(email="marketer@example.com", is_staff=True)
    user.groups.add(ensure_roles()["marketer"])
    client = Client()
    client.force_login(user)
    return client


def count() -> None:
    cache.clear()
    cohorts.count_due(clock=timezone.now)
    vintages.count_due(clock=timezone.now)


def shop(customer: Customer, *, days_ago: int, store) -> None:
    at = timezone.now() - days_ago * DAY
    number = Purchase.objects.count()
    Purchase.objects.create(store=store, reference=f"I{number}", customer=customer, occurred_at=at, total=500)


def a_year(customers: int = 3) -> None:
    """Everybody buys every 50 days, and one of them just once."""
    store = create_store()
    for number in range(customers):
        customer = create_customer()
        for ago in range(400, 0, -50) if number else [400]:
            shop(customer, days_ago=ago, store=store)
            award(customer, 50, at=timezone.now() - ago * DAY)
    ledger.redeem(customer=customer, points=30, source=f"spent:{customer.pk}", occurred_at=timezone.now() - 200 * DAY)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_shop_without_anything_is_told_so(marketer: Client, path: str, language: str):
    cache.clear()
    response = marketer.get(path, headers={"accept-language": language})
    assert response.status_code == 200
    words = {"en": "yet", "zh-hans": "还没有"}[language]
    assert words in response.content.decode()


def test_the_first_page_says_who_came_back(marketer: Client):
    a_year()
    count()
    page = marketer.get("/insights/").content.decode()
    first = months.month_of(timezone.now() - 400 * DAY)
    row = cohorts.retention(last=months.month_of(timezone.now()), cohorts=15)[0]
    assert (row.month_date, row.customers) == (first, 3)
    assert "Do customers come back?" in page
    assert "of 2 customers" in page or "of 3 customers" in page
    assert page.count("<svg viewBox") >= 1
    assert "style=" not in page


@pytest.mark.parametrize("path", [*PAGES, "/insights/effects/", "/insights/forecasts/", "/insights/report/"])
def test_pages_ask_as_often_for_many_purchases_as_for_few(marketer: Client, path: str, django_assert_num_queries):
    a_year(2)
    count()
    SavedFilter.objects.create(code="often", name_en="Often", conditions={"visits_least": 3})
    marketer.get(path)  # what the process keeps for ever
    cache.clear()
    with CaptureQueriesContext(connection) as few:
        marketer.get(path)
    a_year(6)
    for number in range(5):
        SavedFilter.objects.create(code=f"f{number}", name_en="Often", conditions={"visits_least": number})
    count()  # clears the cache, too
    with django_assert_num_queries(len(few)):
        marketer.get(path)


def test_the_close_adds_up_and_stands_still(marketer: Client):
    a_year()
    count()
    month = months.plus(months.month_of(timezone.now()), -1)
    response = marketer.get(f"/insights/points-owed/close.csv?month={month:%Y-%m}")
    assert response["Content-Type"].startswith("text/csv")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    *rows, total = list(csv.DictReader(io.StringIO(text)))
    assert total["spendable from"] == "all"
    for column in ("owed before", "issued", "spent", "expired", "other", "owed"):
        assert sum(int(row[column]) for row in rows) == int(total[column])
    assert int(total["owed"]) == liability.statement(month=month).owed
    flows = [int(total[column]) for column in ("issued", "spent", "expired", "other")]
    assert int(total["owed"]) == int(total["owed before"]) + flows[0] - sum(flows[1:])


def test_a_month_that_is_not_over_cannot_be_closed(marketer: Client):
    a_year()
    count()
    for month in (f"{timezone.now():%Y-%m}", "1999-01", "=1+1"):
        assert marketer.get("/insights/points-owed/close.csv", {"month": month}).status_code == 404


def test_the_dashboard_leads_there(marketer: Client):
    assert "/insights/" in marketer.get("/admin/").content.decode()


def test_figures_are_read_in_chinese(marketer: Client):
    a_year()
    count()
    with translation.override("zh-hans"):
        page = marketer.get("/insights/points-owed/", headers={"accept-language": "zh-hans"}).content.decode()
    assert "未兑付积分" in page


def test_coupons_without_a_coin_get_counts_and_no_effect(marketer: Client, django_assert_num_queries):
    cache.clear()
    batch = create_batch(name_en="Spring voucher")
    issue_coupon(batch=batch)
    with CaptureQueriesContext(connection) as first:
        page = marketer.get("/insights/effects/").content.decode()
    assert "Spring voucher" in page
    assert "nobody can say what would have happened without it" in page
    assert "came back because of it" not in page
    for _number in range(5):
        issue_coupon(batch=create_batch())
    cache.clear()
    with django_assert_num_queries(len(first)):
        marketer.get("/insights/effects/")


def test_recommendations_show_the_figures_of_the_way_in_use_and_of_the_others(marketer: Client):
    aspects = ("overall", "repeat", "explore", "category")
    figures = {
        way: {aspect: place / 10 + number / 1000 for number, aspect in enumerate(aspects)} | {"customers": 60}
        for place, way in enumerate(("seed", "popularity", "frequency", "model"), start=1)
    }
    now = timezone.now()
    RecommendationModel.objects.create(
        day_date=now.date(), started_at=now, learnt_at=now, measured_at=now, figures=figures, method="frequency"
    )
    page = marketer.get("/insights/effects/").content.decode()
    for label, first in (
        ("Most often, within what the customer says to like", "0.1"), ("What most customers buy", "0.2"),
        ("What the customer buys most often", "0.3"), ("The model", "0.4"),
    ):  # fmt: skip
        cells = "".join(f"<td>{first}0{number}</td>" for number in range(4))
        assert f'<th scope="row">{label}</th>{cells}' in page
    assert f"In use: {RecommendationModel.objects.get().get_method_display()}." in page


def test_saved_filters_stand_beside_the_segments_with_their_count(marketer: Client):
    a_year()
    count()
    standings.run_due(clock=timezone.now)
    SavedFilter.objects.create(code="often", name_en="Came often", conditions={"visits_least": 2})
    page = marketer.get("/insights/").content.decode()
    assert '<th scope="row">Came often</th><td>2</td>' in page


def test_a_small_shop_gets_no_forecast_and_is_told_why(marketer: Client):
    page = marketer.get("/insights/forecasts/").content.decode()
    assert "once 500 customers have come back" in page


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_forecast_stands_beside_what_happened(marketer: Client, language: str):
    now = timezone.now()
    forecast = {
        "weeks": 26, "error": [[50, 6.0, 5.0], [50, 2.0, 1.5]],
        "chance_weeks": 8, "calibration": [[50, 0.9, 0.85], [50, 0.2, 0.25]],
    }  # fmt: skip
    StandingNight.objects.create(day_date=now.date(), finished_at=now, customers=100, changed=100, forecast=forecast)
    marketer.get("/insights/forecasts/")
    page = marketer.get("/insights/forecasts/", headers={"accept-language": language}).content.decode()
    assert (
        "26 weeks ago the forecast was 4 purchases for each customer; there were 3.25. That was 23 % too many." in page
    ) == (language == "en")
    assert "3.25" in page
    assert "55 %" in page
    assert page.count("<svg viewBox") == 4


def test_a_surprise_says_what_its_trial_says_or_how_many_are_missing(marketer: Client):
    cache.clear()
    surprise = create_surprise()
    page = marketer.get("/insights/effects/").content.decode()
    assert f"/admin/rewards/surprise/{surprise.pk}/report/" in page
    assert "Not enough yet: about" in page
    assert marketer.get(f"/admin/rewards/surprise/{surprise.pk}/report/").status_code == 200


@pytest.mark.parametrize(("values", "is_drawn"), [([None, None], False), ([None, 0.0], True)])
def test_a_chart_without_a_single_value_says_so_and_shows_no_bare_axis(values: list[float | None], is_drawn: bool):
    chart = Chart(
        key="score", title="Score", column="Score", labels=["August", "September"], short_labels=["Aug", "Sep"],
        values=values, words=["", "0"],
    )  # fmt: skip
    shown = render_to_string("loyalty_site/_insight_chart.html", {"chart": chart})
    assert ("<svg" in shown) == is_drawn
    assert ("no month has enough" in shown) != is_drawn
