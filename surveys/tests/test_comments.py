"""Comments: searched, sorted into themes, tagged and kept; and what a promised survey never shows."""

import pytest
from django.db import IntegrityError
from django.urls import reverse

from surveys import tasks, themes, verbatims
from surveys.models import Answer, Question, Response, SavedFilter, Survey, Theme, Verbatim, VerbatimTag
from surveys.scopes import Scope
from surveys.tests.factories import NOW, create_asker, create_survey
from surveys.tests.test_results_pages import log_in, office, page  # noqa: F401

pytestmark = pytest.mark.django_db
TEXTS = [
    ("The coffee was cold, we waited too long.", 3),
    ("Waiting, waiting … and no SEAT", 5),
    ("Crème brûlée: superb! Friendly staff", 10),
    ("咖啡很冷，等了很久", 2),
    ("服务态度很好，咖啡好喝", 9),
    ("Ｐriceless evening", 10),
]


def written(texts=TEXTS, **fields) -> Survey:
    survey = create_survey(kinds=("nps", "text"), **fields)
    rating, comment = survey.versions.get().questions.order_by("position")
    for text, number in texts:
        response = Response.objects.create(
            version=rating.version, language="en", started_at=NOW, completed_at=NOW,
            customer=create_asker() if survey.anonymity == "identified" else None,
        )  # fmt: skip
        Answer.objects.create(response=response, question=rating, number=number)
        Answer.objects.create(response=response, question=comment, text=text)
    tasks.index_verbatims()
    return survey


def texts_of(rows) -> set[str]:
    return {row.answer.text for row in rows}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("wait", {0, 1}),
        ("WAITED cold", {0}),
        ("creme brulee", {2}),
        ("咖啡", {3, 4}),
        ("咖啡 冷", {3}),
        ('"cold we waited"', {0}),
        ('"waited cold"', set()),
        ("price", {5}),
        ("ice", set()),  # words are found from their beginning
        ("100% _ ' \"", set()),
        ("%", {0, 1, 2, 3, 4, 5}),  # signs alone ask for nothing
    ],
)
def test_comments_are_found_by_words_in_any_spelling(words, found):
    survey = written()
    rows = verbatims.search(verbatims.within(scope=Scope(survey=survey)), words)
    assert texts_of(rows) == {TEXTS[number][0] for number in found}


def test_what_is_written_is_indexed_once_and_goes_with_its_answer():
    survey = written()
    assert verbatims.index_new() == 0
    assert Verbatim.objects.count() == len(TEXTS)
    unfinished = Response.objects.create(version=survey.versions.get(), language="en")
    Answer.objects.create(response=unfinished, question=Question.objects.get(kind="text"), text="Half")
    assert verbatims.index_new() == 0
    Answer.objects.filter(text__startswith="The coffee").delete()
    assert Verbatim.objects.count() == len(TEXTS) - 1


def test_themes_are_found_by_their_keywords_in_both_languages_with_the_score_of_those():
    survey = written()
    waiting = Theme.objects.create(name_en="Waiting", words_en="wait\nqueue", words_zh="等了\n排队")
    Theme.objects.create(name_en="Prices", words_en="expensive")
    rows = list(verbatims.within(scope=Scope(survey=survey)).values_list("folded", "answer__response"))
    ratings = dict(Answer.objects.filter(number__isnull=False).values_list("response", "number"))
    [mention] = themes.mentions(themes=Theme.objects.order_by("pk"), comments=rows, kind="nps", ratings=ratings)
    assert (mention.theme, mention.times, mention.score.value, mention.score.n) == (waiting, 3, -100.0, 3)
    in_sql = verbatims.within(scope=Scope(survey=survey)).filter(themes.about(waiting))
    assert texts_of(in_sql) == {TEXTS[0][0], TEXTS[1][0], TEXTS[3][0]}


def test_a_theme_needs_keywords():
    with pytest.raises(IntegrityError):
        Theme.objects.create(name_en="Nothing")


def test_phrases_are_counted_once_per_comment_and_longer_ones_explain_shorter():
    texts = [verbatims.fold(text) for text in ["Oat milk please!", "More oat milk, oat milk", "The oat milk"]]
    assert themes.phrases(texts=texts) == [("oat milk", 3)]
    chinese = [verbatims.fold(text) for text in ["服务态度很好", "服务态度不好", "喜欢服务态度"]]
    assert themes.phrases(texts=chinese) == [("服务态度", 3)]
    assert themes.phrases(texts=[" the a of "] * 5) == []


def test_a_rating_narrows_the_comments():
    survey = written()
    rows = verbatims.within(scope=Scope(survey=survey))
    assert texts_of(verbatims.in_mood(rows, "low")) == {TEXTS[n][0] for n in (0, 1, 3)}
    assert texts_of(verbatims.in_mood(rows, "high")) == {TEXTS[n][0] for n in (2, 4, 5)}


def test_staff_search_tag_and_keep_a_filter(office):  # noqa: F811
    survey = written()
    text = page(office, survey, "comments", q="coffee")
    assert "The coffee was cold" in text
    assert "Crème" not in text.split("comments-list")[1]
    assert "NPS 3" in text
    chosen = Verbatim.objects.get(folded__contains="coffee").pk
    url = reverse("admin:surveys_survey_comments", args=[survey.pk])
    office.post(f"{url}?q=coffee", {"comment": [chosen, "x"], "tag_name": " Kitchen ", "_tag": "1"})
    office.post(url, {"comment": [chosen], "tag_name": "kitchen", "_tag": "1"})
    tag = VerbatimTag.objects.get()
    assert "The coffee was cold" in page(office, survey, "comments", tag=str(tag.pk))
    office.post(f"{url}?q=coffee&p=2&evil=1", {"name": "Cold", "_keep": "1"})
    assert SavedFilter.objects.get().query == "q=coffee"
    assert f"{url}?q=coffee" in page(office, survey, "comments")
    office.post(url, {"_forget": str(SavedFilter.objects.get().pk)})
    office.post(url, {"comment": [chosen], "_untag": "Kitchen"})
    assert not SavedFilter.objects.exists()
    assert not VerbatimTag.objects.exists()


def test_reading_comments_is_not_sorting_them():
    survey = written()
    reader = log_in("view_response")
    assert "tag-form" not in page(reader, survey, "comments")
    url = reverse("admin:surveys_survey_comments", args=[survey.pk])
    assert reader.post(url, {"name": "x", "_keep": "1"}).status_code == 403
    assert log_in("view_survey").get(url).status_code == 403


def test_a_promised_survey_shows_comments_without_anything_beside_them(office):  # noqa: F811
    few = written(anonymity="confidential")
    assert "cold" not in page(office, few, "comments", q="coffee").split("results are shown")[1]
    many = written(texts=TEXTS * 2, anonymity="confidential")
    text = page(office, many, "comments")
    assert "The coffee was cold" in text
    assert "NPS 3" not in text
    assert "2026" not in text.split("comments-list")[1].split("</form>")[0]
    assert "comments-mood" not in text


def test_many_comments_ask_no_more_questions(office, django_assert_max_num_queries):  # noqa: F811
    survey = written()
    page(office, survey, "comments")  # what the process keeps for ever
    with django_assert_max_num_queries(60) as first:
        page(office, survey, "comments")
    more = written(texts=TEXTS * 8)
    with django_assert_max_num_queries(len(first.captured_queries)):
        page(office, more, "comments")
