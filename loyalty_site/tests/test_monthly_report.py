"""The monthly report: what stands in it, who gets it, and that each reader gets it once."""

import datetime as dt
import html
import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone, translation

from customers import cohorts, months, paper, staff_mail
from customers.models import BuyingMonth, StaffNotice, User
from customers.tests.factories import create_customer, create_user
from loyalty_site.insights import effects, monthly, report, report_pdf
from loyalty_site.roles import ensure_roles
from loyalty_site.tests.test_insights import a_year
from rewards import vintages
from rewards.tests.surprise_factories import buy, create_surprise

pytestmark = pytest.mark.django_db


def last_month(moment: dt.datetime) -> dt.date:
    return months.plus(months.month_of(moment), -1)


@pytest.fixture
def third() -> dt.datetime:
    """Noon of the third of this month, with the year before counted."""
    moment = timezone.now().replace(day=3, hour=12, minute=0, second=0, microsecond=0)
    cache.clear()
    a_year()
    middle = months.bounds(last_month(moment))[0] + dt.timedelta(days=14)
    buy(create_customer(), at=middle)
    cohorts.count_due(clock=lambda: moment)
    vintages.count_due(clock=lambda: moment)
    return moment


def reader(role: str, *, language: str = "en") -> User:
    user = create_user(email=f"{role}@example.com", is_staff=True, language=language)
    user.groups.add(ensure_roles()[role])
    return user


def sent() -> list:
    return [message for message in mail.outbox if message.attachments]


def test_each_reader_gets_the_report_of_a_month_once_in_their_language(third: dt.datetime):
    reader("marketer")
    reader("manager", language="zh-hans")
    create_user(email="owner@example.com", is_staff=True, is_superuser=True)
    assert monthly.send_due(now=third) == 3
    assert monthly.send_due(now=third + dt.timedelta(days=1)) == 0
    staff_mail.send_due(now=third)
    staff_mail.send_due(now=third)
    assert sorted(message.to[0] for message in sent()) == [
        "manager@example.com",
        "marketer@example.com",
        "owner@example.com",
    ]
    subjects = {message.to[0]: message.subject for message in sent()}
    assert "report of" in subjects["marketer@example.com"]
    assert "报告" in subjects["manager@example.com"]
    for message in sent():
        assert f"/insights/report/?month={last_month(third):%Y-%m}" in message.body
        (file,) = message.attachments
        assert file.filename == f"report-{last_month(third):%Y-%m}.pdf"
        assert file.content.startswith(b"%PDF")
        assert (b"STSong-Light" in file.content) == (message.to[0] == "manager@example.com")


def test_a_marketer_who_joins_that_week_gets_it_and_nobody_twice(third: dt.datetime):
    reader("manager")
    monthly.send_due(now=third)
    reader("marketer")
    assert monthly.send_due(now=third) == 1
    assert StaffNotice.objects.filter(kind=monthly.KIND).count() == 2


@pytest.mark.parametrize("role", ["cashier", "auditor"])
def test_who_does_not_plan_surprises_gets_none(third: dt.datetime, role: str):
    reader("marketer")
    user = reader(role)
    monthly.send_due(now=third)
    assert not StaffNotice.objects.filter(reader=user).exists()


def test_a_shop_that_was_shut_reports_within_a_week_or_not_at_all(third: dt.datetime):
    reader("marketer")
    assert monthly.send_due(now=third.replace(day=8)) == 0
    assert monthly.send_due(now=third.replace(day=7)) == 1


def test_a_month_that_was_not_counted_since_its_end_waits(third: dt.datetime):
    reader("marketer")
    BuyingMonth.objects.update(counted_at=months.bounds(last_month(third))[1] - dt.timedelta(hours=1))
    assert monthly.send_due(now=third) == 0


def test_a_month_without_a_purchase_has_no_report(third: dt.datetime):
    reader("marketer")
    BuyingMonth.objects.filter(month_date=last_month(third)).update(buyers=0, repeaters=0)
    assert monthly.send_due(now=third) == 0


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_report_says_what_the_pages_say(third: dt.datetime, language: str, monkeypatch: pytest.MonkeyPatch):
    surprise = create_surprise(now=third - dt.timedelta(days=40))
    month = last_month(third)
    monkeypatch.setattr("django.utils.timezone.now", lambda: third)
    client = Client(headers={"accept-language": language})
    client.force_login(reader("marketer", language=language))
    pages = [client.get(f"/insights/{path}") for path in ("", f"points-owed/?month={month:%Y-%m}", "effects/")]
    with translation.override(language):
        found = report.report(month_date=month, now=third)
        content = report_pdf.write(found)
    titles = {
        "en": ["Do customers come back?", "What do we owe in points?", "Do gifts bring customers back?"],
        "zh-hans": ["会员会再来吗？", "我们欠会员多少积分？", "礼物能让会员再来吗？"],
    }
    assert [section.title for section in found.sections] == titles[language]
    for section, page in zip(found.sections, pages, strict=True):
        rows, text = rows_of(page.content.decode()), text_of(page.content.decode())
        assert section.title in text
        tables = [part.table for part in section.parts if part.table]
        said = [[word for word in row if word] for table in tables for row in table.rows]
        assert [row for row in said if row not in [found[: len(row)] for found in rows]] == []
        assert all(len(row) == len(table.heading) for table in tables for row in table.rows)
    verdicts = [part.text for part in found.sections[-1].parts]
    assert [part.about for part in found.sections[-1].parts if part.about] == [surprise.name]
    assert len(verdicts) >= 3
    assert [words for words in verdicts if words not in text] == []
    assert len(re.findall(rb"/Type /Page\b", content)) <= 3


def text_of(page: str) -> str:
    """Return the words of a page or a part of it, without its marks."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def rows_of(page: str) -> list[list[str]]:
    """Return the rows of all tables of a page, in words."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    return [[text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)] for row in rows]


def test_a_marketer_sees_it_before_and_takes_it_along(third: dt.datetime):
    client = Client()
    client.force_login(reader("marketer"))
    month = last_month(timezone.now())
    surprise = create_surprise(now=timezone.now() - dt.timedelta(days=60))
    page = client.get("/insights/report/").content.decode()
    assert f"report.pdf?month={month:%Y-%m}" in page
    assert f'<p class="insight-about"><strong>{surprise.name}</strong><br>' in page
    assert "style=" not in page
    answer = client.get(f"/insights/report/report.pdf?month={month:%Y-%m}")
    assert (answer["Content-Type"], answer.content[:4]) == ("application/pdf", b"%PDF")
    assert f"report-{month:%Y-%m}.pdf" in answer["Content-Disposition"]
    for wrong in ("1999-01", "x", f"{timezone.now():%Y-%m}"):
        assert client.get("/insights/report/report.pdf", {"month": wrong}).status_code == 404


def test_trials_are_counted_once_for_page_and_file_and_again_after_ten_minutes(
    third: dt.datetime, monkeypatch: pytest.MonkeyPatch
):
    create_surprise(now=third - dt.timedelta(days=40))
    counted, clock = [], [third]
    real = effects.trials
    monkeypatch.setattr(effects, "trials", lambda *, now: counted.append(now) or real(now=now))
    monkeypatch.setattr("django.utils.timezone.now", lambda: clock[0])
    client, chinese = Client(), Client()
    client.force_login(reader("marketer"))
    chinese.force_login(reader("manager", language="zh-hans"))

    def opened() -> int:
        pages = [client.get(f"/insights/report/{path}") for path in ("", "report.pdf", "")]
        assert [page.status_code for page in pages] == [200] * 3
        assert pages[0].content.count(b"<h2") == pages[2].content.count(b"<h2") > 3
        return len(counted)

    assert opened() == 1
    assert counted[0] == months.bounds(last_month(third))[1]
    clock[0] += dt.timedelta(minutes=9)
    assert opened() == 1
    assert "会员会再来吗？" in chinese.get("/insights/report/").text
    assert len(counted) == 2  # words are kept per language
    clock[0] += dt.timedelta(minutes=2)
    assert opened() == 3


def test_a_young_shop_is_told_when_the_first_one_comes():
    cache.clear()
    client = Client()
    client.force_login(reader("marketer"))
    assert "No month is over yet" in client.get("/insights/report/").content.decode()
    assert client.get("/insights/report/report.pdf").status_code == 404


def test_signs_that_no_font_has_are_written_with_those_it_has():
    assert paper.printable("\N{MINUS SIGN}5") == "\u20135"
    assert paper.font("café") == "Helvetica"
    assert paper.font("咖啡") == "STSong-Light"
