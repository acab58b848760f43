"""Acting on what was heard: rules, turns, reminders to managers, gifts, and the count of who came back."""

import datetime as dt
import uuid

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Purchase, StaffNotice
from customers.tests.factories import create_store, create_user
from rewards.models import Coupon, PointBalance
from rewards.tests.coupon_factories import create_batch
from surveys import cases, contacts, recoveries, responses, tasks
from surveys.models import Case, CaseRule, ContactLogEntry, Response
from surveys.tests.factories import NOW, create_asker, create_survey
from surveys.tests.test_results_pages import office  # noqa: F401

pytestmark = pytest.mark.django_db


def carer(**fields):
    user = create_user(is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_case", "change_case"]))
    return user


def answer(values: list, *, anonymity: str = "identified", customer=None) -> Response:
    survey = create_survey(kinds=("nps", "csat", "text", "choice"), anonymity=anonymity)
    version = survey.versions.get()
    given = dict(zip(version.questions.order_by("position"), values, strict=True))
    return responses.record(
        version=version, values={q: v for q, v in given.items() if v is not None}, language="en", channel="wechat",
        now=NOW, customer=customer or create_asker(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "opens"),
    [
        ([6, None, None, None], True),
        ([7, None, None, None], False),
        ([None, 2, None, None], True),
        ([10, 3, "terrible", 0], False),
    ],
)
def test_without_rules_low_nps_and_csat_open_a_case(values, opens):
    answer(values)
    assert Case.objects.exists() == opens


@pytest.mark.parametrize(
    ("rule", "values", "opens"),
    [
        ({"test": "rating", "question_kind": "csat", "at_most": 3}, [0, 3, None, None], True),
        ({"test": "rating", "question_kind": "csat", "at_most": 3}, [0, 4, None, None], False),
        ({"test": "words", "words": "allerg\n过敏"}, [10, None, "My ALLERGY!", None], True),
        ({"test": "words", "words": "allerg\n过敏"}, [10, None, "孩子过敏了", None], True),
        ({"test": "words", "words": "rude"}, [10, None, "I concluded well", None], False),
        ({"test": "choice", "question_key": "choice-4", "choice_number": 2}, [10, None, None, 1], True),
        ({"test": "choice", "question_key": "choice-4", "choice_number": 2}, [10, None, None, 0], False),
        ({"test": "rating", "question_kind": "nps", "at_most": 6, "is_active": False}, [0, None, None, None], False),
    ],
)
def test_a_rule_opens_a_case_in_its_own_time(rule, values, opens):
    CaseRule.objects.create(name="Call", due_days=1, **rule)
    response = answer(values)
    assert [case.response for case in Case.objects.all()] == ([response] if opens else [])
    if opens:
        assert Case.objects.get().due_at == cases.add_working_days(NOW, 1)


@pytest.mark.parametrize("anonymity", ["confidential", "anonymous"])
def test_a_promised_survey_opens_no_case(anonymity):
    answer([0, 1, "terrible", 0], anonymity=anonymity)
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    "rule", [{"test": "rating", "question_kind": "nps"}, {"test": "words"}, {"test": "choice", "question_key": "x"}]
)
def test_a_rule_must_be_whole(rule):
    with pytest.raises(IntegrityError), transaction.atomic():
        CaseRule.objects.create(name="Half", **rule)


def test_cases_go_round_among_the_people_of_the_store_where_the_customer_was():
    here, there = create_store(code="here"), create_store(code="there")
    anna, ben, other = carer(store=here), carer(store=here), carer(store=there)
    customer = create_asker()
    Purchase.objects.create(
        store=here, reference="R1", customer=customer, total=100, occurred_at=NOW - dt.timedelta(days=1)
    )
    owners = []
    for number in range(4):
        case = cases.open_case(customer=customer, subject="x", now=NOW + dt.timedelta(minutes=number))
        assert case.store == here
        owners.append(case.owner)
    assert owners == [anna, ben, anna, ben]
    assert StaffNotice.objects.filter(kind="case_given").count() == 4
    elsewhere = cases.open_case(customer=create_asker(), subject="y", now=NOW)
    assert elsewhere.owner == other  # no store: whose last case is longest ago


def test_managers_are_told_once_of_what_is_late():
    manager = create_user(is_staff=True)
    manager.user_permissions.set(Permission.objects.filter(codename="change_caserule"))
    owner = carer()
    case = cases.open_case(customer=create_asker(), subject="x", now=NOW, owner=owner)
    cases.open_case(customer=create_asker(), subject="y", now=NOW + dt.timedelta(days=30), owner=owner)
    assert cases.escalate(now=case.due_at) == 0
    late = case.due_at + dt.timedelta(seconds=1)
    assert [cases.escalate(now=late), cases.escalate(now=late)] == [1, 0]
    told = StaffNotice.objects.filter(kind="case_overdue")
    assert {notice.reader for notice in told} == {manager, owner}
    case.refresh_from_db()
    assert case.escalated_at == late
    tasks.escalate_cases()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", ["case_given", "case_overdue"])
def test_the_mails_about_cases_name_the_case_and_lead_to_it(kind, language, mailoutbox):
    from customers import staff_mail

    reader = create_user(is_staff=True, language=language)
    context = {"case": 7, "due_at": NOW.isoformat(), "state": "new"}
    staff_mail.queue(kind=kind, source="case:7", context=context, readers=[reader], now=NOW)
    staff_mail.send_due(now=NOW)
    [mail] = mailoutbox
    assert "7" in mail.subject
    assert "/admin/surveys/case/7/change/" in mail.body


def test_a_gift_is_given_once_and_stands_in_the_contact_log():
    owner = create_user(is_staff=True, is_superuser=True)
    case = cases.open_case(customer=create_asker(), subject="x", now=NOW)
    key = uuid.uuid4()
    for _again in range(2):
        recoveries.give_points(case=case, points=50, note="Sorry", key=key, by=owner, now=NOW)
    assert PointBalance.objects.get(customer=case.customer).active == 50
    batch, coupon_key = create_batch(), uuid.uuid4()
    for _again in range(2):
        recoveries.give_coupon(case=case, batch=batch, key=coupon_key, by=owner, now=NOW)
    assert Coupon.objects.filter(customer=case.customer).count() == 1
    assert ContactLogEntry.objects.filter(case=case, customer=case.customer).count() == 2


def test_nobody_gives_more_than_they_may_nor_to_themselves():
    cashier = carer()
    case = cases.open_case(customer=create_asker(), subject="x", now=NOW)
    from rewards import adjustments, staff_limits

    with pytest.raises(staff_limits.AboveLimit):
        recoveries.give_points(case=case, points=50, note="Sorry", key=uuid.uuid4(), by=cashier, now=NOW)
    own = cases.open_case(customer=create_asker(user=cashier), subject="x", now=NOW)
    with pytest.raises(adjustments.OwnCard):
        recoveries.give_coupon(case=own, batch=create_batch(), key=uuid.uuid4(), by=cashier, now=NOW)
    assert not ContactLogEntry.objects.exists()


def test_the_page_gives_once_and_refuses_both_at_once(office):  # noqa: F811
    case = cases.open_case(customer=create_asker(), subject="x", now=NOW)
    url = reverse("admin:surveys_case_give", args=[case.pk])
    assert office.get(url).status_code == 200
    data = {"key": str(uuid.uuid4()), "points": "20", "note": ""}
    batch = create_batch()
    assert "either points or a coupon" in office.post(url, data | {"batch": batch.pk}).text
    for _again in range(2):
        assert office.post(url, data).status_code == 302
    assert PointBalance.objects.get(customer=case.customer).active == 20
    viewer = Client()
    viewer.force_login(carer())
    assert viewer.get(url).status_code == 403


def test_who_came_back_equals_a_recount_and_young_cases_do_not_count():
    store = create_store()
    expected = {}
    for number, state in enumerate(["resolved", "resolved", "unreachable", "new", "resolved"]):
        customer = create_asker()
        opened = NOW - dt.timedelta(days=61 if number < 4 else 59)
        Case.objects.create(
            customer=customer, subject="x", due_at=NOW, opened_at=opened, state=state, cause="c", outcome="o",
            closed_at=None if state == "new" else NOW,
        )  # fmt: skip
        days = [5, 61, 60, -1, 1][number]  # after the case
        Purchase.objects.create(
            store=store,
            reference=f"R{number}",
            customer=customer,
            total=1,
            occurred_at=opened + dt.timedelta(days=days),
        )
        if number < 4:
            back = 0 < days <= 60
            seen, came = expected.get(state, (0, 0))
            expected[state] = (seen + 1, came + back)
    found = {row.state.value: (row.customers, row.returned) for row in recoveries.returned(now=NOW)}
    assert found == expected == {"resolved": (2, 1), "unreachable": (1, 1), "new": (1, 0)}


def test_the_count_of_who_came_back_says_what_it_does_not_show(office):  # noqa: F811
    page = office.get(reverse("admin:surveys_case_returned"))
    assert page.status_code == 200
    assert "drawn by lot" in page.text


def test_staff_see_their_own_late_and_nobodys_cases(office):  # noqa: F811
    user = office.get(reverse("admin:index")).context["user"]
    mine = cases.open_case(customer=create_asker(), subject="Mine", now=timezone.now(), owner=user)
    late = cases.open_case(customer=create_asker(), subject="Late", now=NOW)
    Case.objects.filter(pk=late.pk).update(owner=None)
    url = reverse("admin:surveys_case_changelist")
    for whose, subjects in {"mine": {mine.subject}, "nobody": {"Late"}, "late": {"Late"}}.items():
        found = office.get(url, {"whose": whose}).context["cl"].result_list
        assert {case.subject for case in found} == subjects
    assert "overdue" in office.get(reverse("admin:index")).text


def test_the_timeline_shows_everything_in_order_and_takes_a_conversation_once(office):  # noqa: F811
    customer = create_asker()
    Purchase.objects.create(store=create_store(), reference="R1", customer=customer, total=500, occurred_at=NOW)
    case = cases.open_case(customer=customer, subject="Cold coffee", now=NOW + dt.timedelta(hours=1))
    answer([10, None, None, None], customer=customer)
    url = reverse("admin:customers_customer_timeline", args=[customer.pk])
    data = {
        "key": str(uuid.uuid4()), "channel": "wechat", "direction": "in", "topic": "Refund?", "text": "Asked politely",
        "case": case.pk,
    }  # fmt: skip
    for _again in range(2):
        assert office.post(url, data).status_code == 302
    assert ContactLogEntry.objects.get().case == case
    page = office.get(url)
    kinds = [event.kind for event in page.context["events"]]
    assert kinds[:2] == ["Conversation", "Case opened"]
    assert set(kinds[2:]) == {"Purchase", "Survey answered"}
    assert "€5.00" in page.text
    assert office.get(url, {"before": "nonsense"}).status_code == 200
    assert "topic" in office.post(url, data | {"topic": "", "key": str(uuid.uuid4())}).context["form"].errors


def test_a_long_timeline_is_read_in_pieces_with_as_many_questions(office, django_assert_max_num_queries):  # noqa: F811
    customer = create_asker()
    for number in range(70):
        contacts.log(
            customer=customer, channel="hotline", direction="in", topic=f"Call {number}", by=None,
            now=NOW + dt.timedelta(minutes=number),
        )  # fmt: skip
    url = reverse("admin:customers_customer_timeline", args=[customer.pk])
    with django_assert_max_num_queries(30):
        first = office.get(url)
    seen = [event.title for event in first.context["events"]]
    second = office.get(url, {"before": first.context["older"]})
    seen += [event.title for event in second.context["events"]]
    assert len(set(seen)) == len(seen) == 60
