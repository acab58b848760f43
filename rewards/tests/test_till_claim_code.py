"""Whoever joins at the counter without an e-mail address gets a code that opens the card on the web."""

import datetime as dt
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from customers.models import Customer
from customers.tests.factories import create_store
from rewards.models import TillAction
from rewards.tests.till_factories import Desk

pytestmark = pytest.mark.django_db


def enrol(desk: Desk, **values: str) -> tuple[Customer, str]:
    """Enrol somebody and return them with the page that says so."""
    answer = desk.client.post(reverse("till_enrol"), {"key": uuid.uuid4(), **values}, follow=True)
    return TillAction.objects.get(kind="enrol").customer, answer.text


def test_the_page_shows_code_number_and_where_to_go():
    customer, page = enrol(Desk(create_store()), phone="030 1234567")
    assert "type the code" in page
    assert customer.member_number in page
    assert "data-print" in page
    assert "<svg" in page


def test_who_gave_an_address_signs_in_with_it():
    _customer, page = enrol(Desk(create_store()), email="alice@mail.example")
    assert "type the code" not in page


def test_it_is_shown_for_a_quarter_of_an_hour(monkeypatch):
    desk = Desk(create_store())
    enrol(desk, phone="030 1234567")
    done = reverse("till_done", args=[TillAction.objects.get().key])
    assert "type the code" in desk.client.get(done).text
    later = timezone.now() + dt.timedelta(minutes=16)
    monkeypatch.setattr("rewards.till.sales.timezone.now", lambda: later)
    assert "type the code" not in desk.client.get(done).text
