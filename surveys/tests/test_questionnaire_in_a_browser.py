"""The answer page alive: what script adds, and what holds with and without it."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from surveys.models import Answer, Invitation, Response
from surveys.tests.answering import path, today
from surveys.tests.factories import create_asker, create_questions
from tests.accessibility import violations

pytestmark = pytest.mark.django_db(transaction=True)
WHY = {
    "kind": "text", "key": "why", "text_en": "Why?", "text_zh": "为什么？", "is_required": True,
    "show_if_key": "nps", "show_if_test": "at_most", "show_if_values": "6",
}  # fmt: skip
QUESTIONS = (
    {"kind": "nps", "text_en": "Recommend us?", "text_zh": "推荐我们吗？", "is_required": True},
    WHY,
    {"kind": "choice", "text_en": "What was it?", "text_zh": "是什么？", "begins_page": True},
    {"kind": "matrix", "text_en": "How was {choice}?", "text_zh": "{choice}怎么样？"},
    {"kind": "ranking", "text_en": "Which first?", "text_zh": "先选哪个？"},
)


@pytest.fixture
def invitation() -> Invitation:
    customer = create_asker(name="Alice", language="en")
    return today(survey=create_questions(*QUESTIONS), customer=customer, points=50, quick_seconds=0)


def answered() -> dict[str, object]:
    rows = Answer.objects.select_related("question")
    return {row.question.key: row.text or (row.number if row.number is not None else row.chosen) for row in rows}


def test_a_rating_from_the_mail_arrives_once_the_page_was_seen_and_can_be_changed(page: Page, live_server, invitation):
    page.clock.install()
    page.goto(f"{live_server.url}{path(invitation)}?a=3")
    page.clock.fast_forward(1500)
    assert answered() == {}
    with page.expect_response(lambda reply: "do=keep" in (reply.request.post_data or "")):
        page.clock.fast_forward(1000)
    expect(page.get_by_text("Your rating has arrived.")).to_be_visible()
    assert answered() == {"nps": 3}
    response = Response.objects.get()
    assert response.completed_at is None
    invitation.refresh_from_db()
    assert invitation.viewed_at is not None
    page.locator("label", has=page.get_by_label("9", exact=True)).click()
    page.get_by_role("button", name="Next").last.click()
    page.get_by_text("Page 2 of 3").wait_for()
    assert answered() == {"nps": 9}


def test_a_page_that_is_left_at_once_records_no_rating(page: Page, live_server, invitation):
    page.clock.install()
    page.goto(f"{live_server.url}{path(invitation)}?a=3")
    page.goto("about:blank")
    page.clock.fast_forward(5000)
    assert Response.objects.count() == 0


def test_a_question_appears_as_it_is_called_for(page: Page, live_server, invitation):
    page.goto(live_server.url + path(invitation))
    why = page.get_by_role("textbox", name="Why?")
    expect(why).to_be_hidden()
    page.get_by_label("3", exact=True).check(force=True)
    expect(why).to_be_visible()
    why.fill("Cold coffee")
    page.get_by_label("9", exact=True).check(force=True)
    expect(why).to_be_hidden()
    page.get_by_label("3", exact=True).check(force=True)
    page.get_by_role("button", name="Next").last.click()
    page.get_by_text("Page 2 of 3").wait_for()
    assert answered() == {"nps": 3, "why": "Cold coffee"}


def test_the_whole_way_by_keyboard_with_the_back_button_and_a_second_device(
    page: Page, browser: Browser, live_server, invitation
):
    page.goto(live_server.url + path(invitation))
    page.get_by_role("radio").first.focus()
    for _step in range(9):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_text("Page 2 of 3").wait_for()
    page.go_back()
    expect(page.get_by_label("9", exact=True)).to_be_checked()
    page.go_forward()
    page.get_by_role("radio", name="Tea").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_text("Page 3 of 3").wait_for()
    other = browser.new_context().new_page()
    other.goto(live_server.url + path(invitation))
    other.get_by_text("How was Tea?").wait_for()
    other.get_by_role("radiogroup", name="Service").get_by_role("radio", name="Good").focus()
    other.keyboard.press("Space")
    first, second, third = other.get_by_role("combobox").all()
    first.select_option("2")
    second.select_option("2")
    expect(first).to_have_value("")
    third.select_option("1")
    expect(first).to_have_value("3")
    other.get_by_role("button", name="Send answers").focus()
    other.keyboard.press("Enter")
    other.get_by_role("heading", name="Thank you!").wait_for()
    other.reload()
    other.get_by_role("heading", name="You answered already, thank you!").wait_for()
    page.reload()
    page.get_by_role("heading", name="You answered already, thank you!").wait_for()
    assert answered() == {"nps": 9, "choice": [1], "matrix": [None, 2], "ranking": [2, 1, 0]}
    other.context.close()


@pytest.mark.parametrize("has_script", [True, False])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_step_fits_a_small_phone_and_is_accessible(
    browser: Browser, live_server, invitation, language, has_script
):
    context = browser.new_context(viewport={"width": 320, "height": 640}, java_script_enabled=has_script)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{live_server.url}{path(invitation)}?lang={language}")
    onward = page.locator(".survey-buttons .btn-primary")
    steps = 0
    while onward.count():
        steps += 1
        if has_script:
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
            assert violations(page) == []
        for choice in ('[name^="q"][type="radio"][value="3"]', '[type="radio"][value="1"]'):
            for radio in page.locator(f"fieldset:not([disabled]) {choice}").all():
                radio.check(force=True)
        for text in page.locator("fieldset:not([disabled]) textarea").all():
            text.fill("咖啡凉了 <b>")
        onward.click()
        page.wait_for_load_state()
    assert steps == (3 if has_script else 4)
    assert page.evaluate("document.documentElement.lang") == language
    assert Response.objects.get().completed_at is not None
    assert complaints == []
    context.close()


def test_a_double_press_answers_once(page: Page, live_server, invitation):
    nps = invitation.run.version.questions.get(key="nps")
    page.goto(live_server.url + path(invitation))
    page.get_by_label("9", exact=True).check(force=True)
    page.get_by_role("button", name="Next").last.dblclick()
    page.get_by_text(re.compile("Page [23] of 3")).wait_for()
    assert [(row.question, row.number) for row in Answer.objects.all()] == [(nps, 9)]
