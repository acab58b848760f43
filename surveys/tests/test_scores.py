"""Scores against published figures and a recount by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys import responses, runs, scores
from surveys.models import Answer
from surveys.tests.factories import NOW, create_asker, create_run, create_survey


def test_nps_of_a_hundred():
    score = scores.nps(promoters=50, detractors=20, n=100)
    assert (score.value, round(score.low, 1), round(score.high, 1)) == (30.0, 14.1, 44.2)


def test_five_promoters_of_five_are_not_certain():
    score = scores.nps(promoters=5, detractors=0, n=5)
    assert (score.value, round(score.low, 1), score.high) == (100.0, 17.5, 100.0)


def test_csat_of_a_hundred():
    score = scores.share(hits=80, n=100)
    assert (score.value, round(score.low, 1), round(score.high, 1)) == (80.0, 71.1, 86.7)


@pytest.mark.parametrize(
    ("n", "shown", "grey"), [(9, False, True), (10, True, True), (29, True, True), (30, True, False)]
)
def test_few_answers_are_hidden_or_grey(n, shown, grey):
    score = scores.share(hits=5, n=n)
    assert (score.is_shown, score.is_grey) == (shown, grey)


@pytest.mark.parametrize("score", [scores.nps, scores.share])
def test_no_answers_have_no_score(score):
    with pytest.raises(ValueError, match="at least one"):
        score(**({"promoters": 0, "detractors": 0} if score is scores.nps else {"hits": 0}), n=0)
    assert scores.of_question(kind="nps", distribution={9: 0}) is None
    assert scores.of_question(kind="text", distribution={1: 5}) is None


@pytest.mark.parametrize(
    ("kind", "scale", "good"),
    [("csat", range(1, 6), {4, 5}), ("ces", range(1, 8), {5, 6, 7}), ("stars", range(1, 6), {4, 5})],
)
@given(data=st.data())
def test_shares_equal_a_recount(kind, scale, good, data):
    given_numbers = data.draw(st.lists(st.sampled_from(list(scale)), min_size=1, max_size=60))
    score = scores.of_question(kind=kind, distribution={number: given_numbers.count(number) for number in scale})
    assert math.isclose(score.value, 100 * sum(number in good for number in given_numbers) / len(given_numbers))
    assert math.isclose(score.mean, sum(given_numbers) / len(given_numbers))
    assert -1e-9 <= score.low <= score.value + 1e-9 <= score.high + 2e-9 <= 100 + 3e-9


@given(st.lists(st.integers(0, 10), min_size=1, max_size=60))
def test_nps_equals_a_recount(numbers):
    score = scores.of_question(kind="nps", distribution={number: numbers.count(number) for number in range(11)})
    single = [100 if number >= 9 else -100 if number <= 6 else 0 for number in numbers]
    assert math.isclose(score.value, sum(single) / len(numbers), abs_tol=1e-9)
    assert -100 <= score.low <= score.high <= 100


@pytest.mark.django_db
def test_the_results_of_a_run_equal_its_raw_rows():
    for _number in range(12):
        create_asker()
    run = create_run(survey=create_survey(kinds=("nps", "choice", "multiple")))
    questions = list(run.version.questions.order_by("position"))
    run.messages.update(state="accepted")
    for number, invitation in enumerate(run.invitations.all()):
        if number < 9:
            values = dict(zip(questions, [number + 2, number % 3, [0, number % 3]], strict=True))
            responses.complete(invitation=invitation, values=values, language="en", now=NOW)
        elif number == 9:
            responses.save(invitation=invitation, values={}, language="en", now=NOW)
    raw = list(Answer.objects.filter(question=questions[0]).values_list("number", flat=True))
    found = scores.distribution(run=run, question=questions[0])
    assert found == {number: raw.count(number) for number in range(11)}
    assert scores.distribution(run=run, question=questions[1]) == {0: 3, 1: 3, 2: 3}
    assert scores.distribution(run=run, question=questions[2]) == {0: 12, 1: 3, 2: 3}
    rates = scores.rates(run=run, counts=runs.counts(run=run))
    assert (rates.completed, rates.started, rates.reached, rates.considered) == (9, 10, 12, 12)
    assert (rates.response, rates.completion) == (75.0, 90.0)
