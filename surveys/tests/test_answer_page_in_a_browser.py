"""The answer page in a real browser: a small phone, no script, the keyboard alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from surveys import links
from surveys.models import Answer, Invitation, Response, Suppression
from surveys.tests.answering import path, today
from surveys.tests.factories import create_asker, create_survey
from tests.accessibility import violations

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = ("nps", "csat", "ces", "stars", "scale", "choice", "multiple", "matrix", "ranking", "date", "number", "text")


@pytest.fixture
def invitation() -> Invitation:
    survey = create_survey(kinds=KINDS)
    customer = create_asker(name="Alice", language="en")
    return today(survey=survey, customer=customer, points=50, quick_seconds=0)


@pytest.fixture
def small(browser: Browser, live_server) -> Iterator[Page]:
    """The smallest phone, in the dark, without script."""
    context = browser.new_context(
        viewport={"width": 320, "height": 640}, java_script_enabled=False, color_scheme="dark", base_url=live_server.url
    )
    yield context.new_page()
    context.close()


def test_a_survey_is_answered_on_a_small_phone_without_script(small, invitation):
    small.goto(f"{path(invitation)}?a=9")
    assert small.get_by_label("9", exact=True).first.is_checked()
    small.get_by_role("button", name="Send answers").click()
    assert small.get_by_role("heading", name="Thank you!").is_visible()
    assert "50 points are on your account" in small.inner_text("main")
    assert Answer.objects.get().number == 9
    small.goto(path(invitation))
    assert small.get_by_role("heading", name="You answered already, thank you!").is_visible()


def test_a_survey_is_answered_by_keyboard_alone(page, live_server, invitation):
    page.goto(live_server.url + path(invitation))
    page.get_by_role("radio").first.focus()
    for _step in range(8):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Send answers").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Thank you!").wait_for()
    assert list(Answer.objects.order_by("question__position").values_list("number", flat=True)) == [8, 1]


def test_a_mistake_is_explained_where_it_is(small, invitation):
    small.goto(path(invitation))
    small.get_by_role("button", name="Send answers").click()
    assert small.get_by_role("alert").is_visible()
    assert small.get_by_text("Please answer this question.").is_visible()
    assert Response.objects.get().completed_at is None


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_behind_a_link_is_accessible_and_fits(browser, live_server, invitation, language, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    unsubscribe = links.unsubscribe_url(invitation.pk).removeprefix("http://localhost:8000")
    for address in (path(invitation), unsubscribe):
        page.goto(f"{live_server.url}{address}?lang={language}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.lang") == language
        assert violations(page) == []
    page.goto(f"{live_server.url}{path(invitation)}?lang={language}")
    page.locator("main .btn-primary").click()
    page.get_by_role("alert").wait_for()
    assert violations(page) == []
    page.goto(f"{live_server.url}{unsubscribe}?lang={language}")
    page.locator("main .btn-primary").click()
    page.locator(".notice.success").wait_for()
    assert violations(page) == []
    assert Suppression.objects.count() == 1
    assert complaints == []
    context.close()
