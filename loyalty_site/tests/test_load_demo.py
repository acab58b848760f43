"""The command that loads the demo shop: once, only where nothing is, never outside of DEBUG."""

import datetime as dt
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from customers.models import Customer, Purchase, User
from loyalty_site.demo import life, people

NOW = dt.datetime(2026, 6, 17, 14, 30, tzinfo=dt.UTC)


@pytest.mark.django_db
@time_machine.travel(NOW)
def test_the_command_loads_once_and_prints_the_log_ins_each_time(settings, monkeypatch: pytest.MonkeyPatch):
    settings.DEBUG = True
    monkeypatch.setattr(people, "CUSTOMERS", 12)
    monkeypatch.setattr(life, "GUESTS_PER_DAY", 0.3)
    printed = StringIO()
    call_command("load_demo", "--if-empty", stdout=printed, verbosity=0)
    assert "manager@example.com" in printed.getvalue()
    assert "/mailbox/" in printed.getvalue()
    assert Customer.objects.count() == 12
    assert abs(Purchase.objects.latest("occurred_at").occurred_at - timezone.now()) < dt.timedelta(days=3)
    again = StringIO()
    call_command("load_demo", "--if-empty", stdout=again, verbosity=0)
    assert again.getvalue() == printed.getvalue()
    assert Customer.objects.count() == 12
    with pytest.raises(CommandError, match="empty"):
        call_command("load_demo", verbosity=0)


@pytest.mark.django_db
def test_a_shop_of_its_own_is_left_alone(settings):
    settings.DEBUG = True
    Customer.objects.create(member_number="1", name="Alice")
    printed = StringIO()
    call_command("load_demo", "--if-empty", stdout=printed)
    assert printed.getvalue() == ""
    assert not User.objects.exists()


@pytest.mark.django_db
def test_production_gets_no_demo_log_ins(settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG"):
        call_command("load_demo", "--if-empty")
    assert not User.objects.exists()
