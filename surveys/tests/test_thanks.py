"""Thanks for answers: whatever was answered, once, within the budget, held when in doubt."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connections, transaction

from customers.tests.factories import NOON, create_user
from rewards.models import Coupon, PointTransaction
from rewards.tests.coupon_factories import create_batch
from surveys import responses, thanks
from surveys.models import Intent, RewardGrant
from surveys.tests.answering import answers, path, sent, today
from surveys.tests.factories import create_asker, create_questions, create_run

pytestmark = pytest.mark.django_db
RATINGS = [{"kind": "stars", "key": f"stars-{number}"} for number in range(5)]


def invited(*, people: int, **fields):
    """Ask some people by one run at noon."""
    for _number in range(people):
        create_asker()
    return list(create_run(**fields).invitations.order_by("pk"))


def answer_all(invitations, *, now: dt.datetime = NOON) -> None:
    for invitation in invitations:
        responses.complete(invitation=invitation, values={}, language="en", now=now)


def states() -> list[str]:
    return list(RewardGrant.objects.order_by("pk").values_list("state", flat=True))


def test_thanks_are_points_and_a_coupon_whatever_was_answered(client):
    batch = create_batch()
    for rating in ("0", "10"):
        invitation = today(points=5, coupon_batch=batch)
        assert "and a coupon" in client.get(path(invitation)).text
        page = client.post(path(invitation), answers(invitation, rating)).text
        assert "5 points are on your account" in page
        assert "A coupon is among your coupons" in page
        grant = RewardGrant.objects.get(invitation=invitation)
        assert (grant.state, grant.points, grant.coupon.customer) == ("granted", 5, invitation.customer)
        assert grant.coupon.source == f"survey:{invitation.pk}"
    assert [row.points for row in PointTransaction.objects.all()] == [5, 5]


@pytest.mark.usefixtures("still_clock")
@pytest.mark.parametrize(("seconds", "state"), [(0, "held"), (2, "held"), (3, "granted"), (60, "granted")])
def test_who_answers_too_quickly_gets_the_thanks_once_somebody_has_looked(client, seconds, state):
    invitation = today(points=5)
    page = client.post(path(invitation), answers(invitation, "9", seconds=seconds)).text
    assert ("Your thanks follow" in page) == (state == "held")
    grant = RewardGrant.objects.get()
    assert grant.state == state
    assert PointTransaction.objects.count() == (state == "granted")
    if state == "held":
        assert grant.reasons == ["too_fast"]
        staff = create_user(is_staff=True)
        thanks.release(grant=grant, by=staff, now=NOON)
        assert PointTransaction.objects.get().points == 5
        with pytest.raises(thanks.AlreadyDecided):
            thanks.release(grant=grant, by=staff, now=NOON)
        with pytest.raises(thanks.AlreadyDecided):
            thanks.refuse(grant=grant, by=staff, now=NOON)
        assert PointTransaction.objects.count() == 1


@pytest.mark.parametrize(
    ("ratings", "state"),
    [("55555", "held"), ("11111", "held"), ("55554", "granted"), (("5", "5", "5", "5", ""), "granted")],
)
def test_a_line_straight_down_is_held_at_either_end_of_the_scale(client, ratings, state):
    invitation = today(survey=create_questions(*RATINGS), points=5)
    client.post(path(invitation), answers(invitation, *ratings))
    assert states() == [state]


def test_remarks_about_the_visit_hold_nothing_back(client):
    invitation = today(points=5)
    invitation.messages.update(finished_at=dt.datetime.now(dt.UTC))
    robot = {"headers": {"User-Agent": "Mozilla/5.0 (compatible; LinkScanner/2.0)"}}
    for number in (0, 10):
        client.get(path(invitation), {"a": number}, **robot)
    client.get(path(invitation), {"h": ""})
    client.post(path(invitation), answers(invitation, "9"))
    assert sorted(invitation.responses.get().flags) == [
        "no_script", "right_after_sending", "scanner", "trap", "two_ratings",
    ]  # fmt: skip
    assert states() == ["granted"]
    assert Intent.objects.count() == 3


def test_staff_may_refuse_what_was_no_honest_answer(client):
    invitation = today(points=5)
    client.post(path(invitation), answers(invitation, "9", seconds=0))
    grant = thanks.refuse(grant=RewardGrant.objects.get(), by=create_user(is_staff=True), now=NOON)
    assert grant.state == "refused"
    assert PointTransaction.objects.count() == 0


def test_the_daily_budget_is_kept_and_the_rest_follows_day_by_day():
    answer_all(invited(people=5, points=5, thanks_per_day=2))
    assert states() == ["granted", "granted", "held", "held", "held"]
    assert thanks.release_due(now=NOON + dt.timedelta(hours=2)) == 0
    tomorrow = NOON + dt.timedelta(days=1)
    assert thanks.release_due(now=tomorrow) == 2
    assert thanks.release_due(now=tomorrow) == 0
    assert thanks.release_due(now=tomorrow + dt.timedelta(days=1)) == 1
    assert states() == ["granted"] * 5
    assert PointTransaction.objects.count() == 5


def test_what_is_in_doubt_does_not_follow_by_itself():
    [invitation] = invited(people=1, points=5, thanks_per_day=0)
    responses.complete(invitation=invitation, values={}, language="en", now=NOON, seconds=1)
    assert RewardGrant.objects.get().reasons == ["too_fast", "daily_budget"]
    assert thanks.release_due(now=NOON + dt.timedelta(days=1)) == 0


def test_once_all_thanks_are_used_up_nothing_is_promised_and_who_was_promised_waits(client):
    first = today(points=5, thanks_limit=1)
    assert "we thank you with 5 points" in client.get(path(first)).text
    client.post(path(first), answers(first, "9"))
    campaign = first.run.campaign
    assert not thanks.promise(campaign=campaign)
    second = today()
    second.run.campaign = campaign
    grant = thanks.give(invitation=second, doubts=[], now=NOON)
    assert (grant.state, grant.reasons) == ("held", ["limit"])


def test_a_batch_without_coupons_holds_the_thanks_whole():
    batch = create_batch(limit=1)
    answer_all(invited(people=2, points=5, coupon_batch=batch))
    assert states() == ["granted", "held"]
    assert RewardGrant.objects.get(state="held").reasons == ["no_coupon"]
    # Neither half of it is given.
    assert PointTransaction.objects.count() == Coupon.objects.count() == 1
    with pytest.raises(thanks.NothingLeft):
        thanks.release(grant=RewardGrant.objects.get(state="held"), by=None, now=NOON)
    batch.limit = 2
    batch.save()
    thanks.release(grant=RewardGrant.objects.get(state="held"), by=None, now=NOON)
    assert PointTransaction.objects.count() == Coupon.objects.count() == 2


def test_an_answer_by_telephone_is_thanked_without_doubt():
    [invitation] = invited(people=1, points=5)
    response = responses.complete(
        invitation=invitation, values={}, language="en", now=NOON, seconds=1, mode="phone", channel="hotline",
        by=create_user(is_staff=True),
    )  # fmt: skip
    assert (response.mode, response.channel) == ("phone", "hotline")
    assert states() == ["granted"]


@pytest.mark.django_db(transaction=True)
def test_the_budget_is_kept_when_many_answer_at_once():
    invitations = invited(people=8, points=5, thanks_per_day=3)

    def answer(invitation) -> None:
        try:
            responses.complete(invitation=invitation, values={}, language="en", now=NOON)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(answer, invitations))
    assert sorted(states()) == ["granted"] * 3 + ["held"] * 5
    assert PointTransaction.objects.count() == 3


def test_the_database_refuses_a_second_grant_and_one_without_a_day(client):
    invitation = today(points=5)
    client.post(path(invitation), answers(invitation, "9"))
    with pytest.raises(IntegrityError), transaction.atomic():
        RewardGrant.objects.create(invitation=invitation, campaign=invitation.run.campaign, state="held")
    with pytest.raises(IntegrityError), transaction.atomic():
        RewardGrant.objects.update(granted_date=None)


def test_many_openings_of_a_link_fill_no_table(client):
    invitation = today()
    for _time in range(60):
        client.get(path(invitation), {"a": "9"})
    assert Intent.objects.count() == 50


def test_a_straight_line_through_a_matrix_is_one_too(client):
    rows = "\n".join("abcde")
    invitation = today(survey=create_questions({"kind": "matrix", "rows_en": rows}), points=5)
    [matrix] = invitation.run.version.questions.all()
    client.post(path(invitation), sent({matrix: dict.fromkeys(range(5), "2")}, asked=[matrix]))
    assert RewardGrant.objects.get().reasons == ["straight_line"]
