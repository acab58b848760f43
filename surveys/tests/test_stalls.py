"""A missed time and a sender that stands still reach staff: on their first page, by one mail, and by /readyz."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from customers import heartbeats, staff_mail
from customers.models import Heartbeat, StaffNotice
from customers.tests.factories import create_user
from loyalty_site.roles import ensure_roles
from surveys import campaigns, mailing, stalls
from surveys.models import Run
from surveys.tests.factories import NOW, create_asker, create_campaign, create_run

pytestmark = pytest.mark.django_db
HOUR, DAY, MINUTE = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(minutes=1)


@pytest.fixture
def marketer():
    user = create_user(email="marketer@shop.example", is_staff=True)
    user.groups.add(ensure_roles()["marketer"])
    return user


def first_page(user) -> str:
    client = Client()
    client.force_login(user)
    return client.get(reverse("admin:index")).text


def test_a_missed_time_is_one_mail_to_each_marketer_and_a_line_on_the_first_page(marketer, mailoutbox):
    campaign = create_campaign(name="Spring", scheduled_at=NOW)
    campaigns.schedule(campaign=campaign, by=None, now=NOW)
    late = NOW + 7 * HOUR
    for _bell in range(2):
        campaigns.plan_due_runs(now=late)
    run = Run.objects.get()
    assert run.phase == "missed"
    [notice] = StaffNotice.objects.filter(kind="campaign_missed")
    assert (notice.reader, notice.source) == (marketer, f"run:{run.pk}")
    Run.objects.update(created_at=late)
    staff_mail.send_due(now=late)
    [mail] = mailoutbox
    assert mail.to == ["marketer@shop.example"]
    assert mail.subject.endswith("“Spring” missed its time")
    assert f"/admin/surveys/run/{run.pk}/change/" in mail.body
    with time_machine.travel(late, tick=False):
        assert "“Spring” missed its time" in first_page(marketer)
    with time_machine.travel(late + 8 * DAY, tick=False):
        assert "missed its time" not in first_page(marketer)


def test_many_missed_times_of_one_campaign_are_one_mail(marketer):
    campaign = create_campaign(trigger="recurring", rhythm="daily", scheduled_at=NOW)
    campaigns.schedule(campaign=campaign, by=None, now=NOW)
    campaigns.plan_due_runs(now=NOW + 4 * DAY + 7 * HOUR)
    assert Run.objects.filter(phase="missed").count() == 5
    [notice] = StaffNotice.objects.filter(kind="campaign_missed")
    assert notice.context["missed"] == 5
    assert "missed 5 of its times" in staff_mail.compose(notice=notice).body


def test_a_time_that_is_a_little_late_bothers_nobody(marketer):
    create_run(now=NOW, prepared=False)
    assert not StaffNotice.objects.exists()


def test_mails_that_do_not_leave_are_told_of_once_a_day(marketer):
    create_asker()
    create_run()
    assert not stalls.tell(now=NOW + 4 * MINUTE)
    for later in (6 * MINUTE, 11 * MINUTE):
        assert stalls.tell(now=NOW + later)
    [notice] = StaffNotice.objects.filter(kind="surveys_stalled")
    assert notice.reader == marketer
    assert stalls.tell(now=NOW + DAY)
    assert StaffNotice.objects.filter(kind="surveys_stalled").count() == 2


def test_a_sender_at_work_on_a_large_run_is_no_stall():
    create_asker()
    create_run()
    late = NOW + 30 * MINUTE
    assert mailing.due_since(now=late) == NOW
    heartbeats.beat(queue="send", now=late)
    assert mailing.due_since(now=late) is None
    assert mailing.due_since(now=late + 3 * MINUTE) == NOW


def test_the_sender_beats_while_it_sends():
    create_asker()
    create_run()
    mailing.send_due(clock=lambda: NOW + MINUTE)
    assert Heartbeat.objects.get(queue="send").beat_at == NOW + MINUTE


def test_a_heart_is_written_down_once_in_ten_seconds(django_assert_num_queries):
    heartbeats.beat(queue="web", now=NOW)
    with django_assert_num_queries(1):
        heartbeats.beat(queue="web", now=NOW + dt.timedelta(seconds=9))
    heartbeats.beat(queue="web", now=NOW + dt.timedelta(seconds=11))
    assert Heartbeat.objects.get().beat_at == NOW + dt.timedelta(seconds=11)


def test_silence_is_on_the_first_page_and_degrades(marketer, client):
    assert heartbeats.silent_since(now=NOW) is None
    heartbeats.beat(queue="web", now=NOW)
    heartbeats.beat(queue="send", now=NOW + 5 * MINUTE)
    with time_machine.travel(NOW + MINUTE, tick=False):
        assert "Nothing was done in the background" not in first_page(marketer)
        assert client.get("/readyz").content == b"ok\n"
    with time_machine.travel(NOW + 6 * MINUTE, tick=False):
        assert "Nothing was done in the background" in first_page(marketer)
        assert client.get("/readyz").content == b"degraded\n"
