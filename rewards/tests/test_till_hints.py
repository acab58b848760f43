"""What the till and the mail of a receipt recommend, and why."""

import pytest
import time_machine
from django.core import mail
from django.urls import reverse

from customers import notices
from customers.models import Customer
from customers.recommendations import nightly
from customers.tests.factories import NOON, consent, create_customer, create_store
from customers.tests.shopping import buy, buy_often, create_product
from rewards.tests.till_factories import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def lin() -> Customer:
    """Lin buys coffee every three weeks; those who do so too like oat milk, which Lin has never bought."""
    coffee = create_product("Coffee", name_zh="咖啡")
    oat = create_product("Oat milk", name_zh="燕麦奶")
    for _number in range(7):
        neighbour = create_customer()
        buy(neighbour, coffee, oat, days_ago=20)
        buy(neighbour, coffee, oat, days_ago=6)
    for _number in range(12):
        buy(create_customer(), create_product("Water"), days_ago=8)
    lin = create_customer(name="林", email="lin@example.com", language="zh-hans")
    buy_often(lin, coffee, days=(91, 70, 49, 28))
    nightly.run_due(clock=lambda: NOON)
    return lin


def test_the_till_and_the_mail_say_why(lin: Customer):
    with time_machine.travel(NOON, tick=False):
        desk = Desk(create_store(code="harbour"))
        page = desk.client.post(reverse("till"), {"q": lin.member_number}, follow=True).content.decode()
        assert "<q>People who buy Coffee also like this.</q>" in page
        assert "<q>You usually buy this every 3 weeks, and it has been 4 weeks.</q>" in page
        consent(lin, purpose="marketing")
        action = desk.sell(lin)
        desk.client.post(reverse("till_mail", kwargs={"key": action.key}))
        notices.send_due(now=NOON)
    (sent,) = mail.outbox
    assert "· 燕麦奶 – 购买“咖啡”的人也喜欢这个。" in sent.body
    assert "<strong>燕麦奶</strong> – 购买“咖啡”的人也喜欢这个。" in sent.alternatives[0][0]
