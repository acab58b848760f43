"""A customer joins at the counter within seconds, in their own words, and never twice."""

import pytest

from customers import consents, enrolment, finding
from customers.enrolment import AlreadyEnrolled
from customers.enrolment_forms import TillEnrolmentForm
from customers.models import Consent, Customer
from customers.tests.factories import NOON, create_store, create_user

pytestmark = pytest.mark.django_db


def enrol(**values: object) -> Customer:
    form = TillEnrolmentForm(values)
    assert form.is_valid(), form.errors
    return enrolment.enrol_at_till(by=create_user(is_staff=True), now=NOON, **form.enrolment())


def test_a_phone_number_is_enough():
    customer = enrol(phone="030 1234567")
    assert len(customer.member_number) == 10
    assert [row.normalised for row in customer.identifiers.all()] == ["+49301234567"]
    assert not customer.consents.exists()


def test_what_was_agreed_to_is_kept_with_its_words_place_and_clerk():
    clerk = create_user(is_staff=True)
    form = TillEnrolmentForm(
        {"email": "alice@x.example", "name": "Alice", "language": "zh-hans", "may_mail_offers": "on"}
    )
    assert form.is_valid()
    customer = enrolment.enrol_at_till(by=clerk, now=NOON, store=create_store(code="harbour"), **form.enrolment())
    rows = Consent.objects.values_list("customer", "channel", "purpose", "is_granted", "wording", "source", "by")
    assert list(rows) == [(customer.pk, "email", "marketing", True, "till-offers:1", "till:harbour", clerk.pk)]
    assert (customer.language, customer.home_store.code, customer.name) == ("zh-hans", "harbour", "Alice")
    assert not consents.is_granted(customer=customer, channel="email", purpose="surveys")


def test_a_card_that_was_printed_before_finds_its_owner_from_now_on():
    customer = enrol(phone="030 1234567", card="2048 1167")
    found = finding.find(term="2048 1167", by=create_user())
    assert [it.customer for it in found] == [customer]


@pytest.mark.parametrize(
    ("again", "field"),
    [
        ({"phone": "+49 30 1234567"}, "phone"),
        ({"email": "ALICE@x.example"}, "email"),
        ({"phone": "030 7654321", "card": "777"}, "card"),
    ],
)
def test_who_is_known_already_is_offered_instead(again, field):
    alice = enrol(phone="030 1234567", email="alice@x.example", card="777")
    with pytest.raises(AlreadyEnrolled) as refused:
        enrol(**again)
    assert (refused.value.field, refused.value.customer) == (field, alice)
    assert Customer.objects.count() == 1


def test_a_card_with_the_member_number_of_somebody_else_is_refused():
    alice = enrol(phone="030 1234567")
    with pytest.raises(AlreadyEnrolled) as refused:
        enrol(phone="030 7654321", card=alice.member_number)
    assert (refused.value.field, refused.value.customer) == ("card", alice)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "__all__"),
        ({"name": "Alice"}, "__all__"),
        ({"phone": "hello"}, "phone"),
        ({"phone": "1"}, "phone"),
        ({"email": "alice"}, "email"),
        ({"email": "alice@x.example", "language": "tlh"}, "language"),
        ({"phone": "030 1234567", "may_mail_offers": "on"}, "email"),
    ],
)
def test_the_form_says_what_is_missing(values, field):
    form = TillEnrolmentForm(values)
    assert list(form.errors) == [field]
