"""The review names who would get no mail and why; it agrees with what is then planned, and writes nothing."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import Customer
from customers.tests.factories import consent, create_customer, create_user
from loyalty_site.roles import ensure_roles
from surveys import audience, campaigns, mailing, rehearsals, runs, suppression
from surveys.lots import lot
from surveys.models import Invitation, Suppression
from surveys.tests.factories import NOW, create_asker, create_campaign, create_run

pytestmark = pytest.mark.django_db


def everybody(sink) -> None:
    """Customers for most of the reasons: asked just now, without consent, without an address, suppressed, one mailbox twice."""
    for _number in range(2):
        create_asker()
    create_run(name="First")
    mailing.send_due(clock=lambda: NOW)
    create_customer(email="silent@shop.example")
    consent(create_customer())
    suppression.suppress(
        email="bounced@shop.example", scope=Suppression.Scope.ALL, reason=Suppression.Reason.BOUNCED, source="test",
        occurred_at=NOW,
    )  # fmt: skip
    create_asker(email="bounced@shop.example")
    create_asker(email="a.b@gmail.com")
    create_asker(email="ab+shop@gmail.com")
    create_asker()


def test_what_is_foreseen_is_what_is_planned(sink):
    everybody(sink)
    campaign = create_campaign(scheduled_at=NOW)
    before = Invitation.objects.count()
    found = rehearsals.rehearse(campaign=campaign, now=NOW)
    assert Invitation.objects.count() == before
    assert found.skips == {
        "quarantine": 2, "no_consent": 1, "invalid_address": 1, "suppressed": 1, "duplicate_mailbox": 1,
    }  # fmt: skip
    assert (found.considered, found.mails, found.is_sampled) == (8, 2, False)
    campaigns.schedule(campaign=campaign, by=None, now=NOW)
    [run] = campaigns.plan_due_runs(now=NOW)
    audience.prepare(run=run, now=NOW)
    counts = runs.counts(run=run)
    assert (counts.considered, counts.skips) == (found.considered, found.skips)


@pytest.mark.django_db(transaction=True)
def test_looking_it_over_is_no_writer_for_whom_others_wait():
    create_asker()
    campaign = create_campaign(scheduled_at=NOW)
    with CaptureQueriesContext(connection) as queries:
        assert rehearsals.rehearse(campaign=campaign, now=NOW).mails == 1
    assert [query["sql"] for query in queries if query["sql"].startswith("BEGIN")] == []


def test_a_lot_keeps_apart_and_leaves_out_as_many_as_it_will():
    for _number in range(200):
        create_asker()
    campaign = create_campaign(scheduled_at=NOW, holdout=2_000, sample=5_000)
    found = rehearsals.rehearse(campaign=campaign, now=NOW)
    draws = [(lot("holdout", 0, pk), lot("sample", 0, pk)) for pk in Customer.objects.values_list("pk", flat=True)]
    assert found.skips["holdout"] == sum(held < 2_000 for held, _asked in draws)
    assert found.skips["not_sampled"] == sum(held >= 2_000 and asked >= 5_000 for held, asked in draws)
    assert found.mails == 200 - found.skips["holdout"] - found.skips["not_sampled"]


def test_a_large_audience_is_judged_by_a_part_and_scaled_up():
    for number in range(30):
        create_customer(email=f"silent{number}@shop.example") if number % 3 else create_asker()
    found = rehearsals.rehearse(campaign=create_campaign(scheduled_at=NOW), now=NOW, most=15)
    assert (found.considered, found.is_sampled) == (30, True)
    assert found.skips == {"no_consent": 20}
    assert found.mails == 10


def test_who_will_rest_no_more_when_it_leaves_is_not_taken_off(sink):
    create_asker()
    create_run(name="First")
    mailing.send_due(clock=lambda: NOW)
    soon, late = (create_campaign(scheduled_at=NOW + dt.timedelta(days=days)) for days in (20, 40))
    assert rehearsals.rehearse(campaign=soon, now=NOW).skips == {"quarantine": 1}
    assert rehearsals.rehearse(campaign=late, now=NOW).skips == {}


@pytest.fixture
def manager() -> Client:
    ensure_roles()
    user = create_user(is_staff=True)
    user.groups.add(Group.objects.get(name="manager"))
    found = Client()
    found.force_login(user)
    return found


def test_the_review_names_the_reasons_and_the_campaign_lists_them_after(sink, manager):
    everybody(sink)
    campaign = create_campaign(scheduled_at=NOW)
    page = manager.get(reverse("admin:surveys_campaign_review", args=[campaign.pk])).text
    for reason in ("Did not agree to surveys", "The address is suppressed", "The address is asked already"):
        assert reason in page
    campaigns.schedule(campaign=campaign, by=None, now=NOW)
    [run] = campaigns.plan_due_runs(now=NOW)
    audience.prepare(run=run, now=NOW)
    page = manager.get(reverse("admin:surveys_campaign_change", args=[campaign.pk])).text
    url = f"/admin/surveys/invitation/?run__campaign__id__exact={campaign.pk}"
    assert f"{url}&amp;skip__exact=suppressed" in page
    skipped = manager.get(f"{url}&skip__exact=suppressed").context["cl"]
    [row] = skipped.result_list
    assert row.email == "bounced@shop.example"
    found = manager.get(f"{url}&q=silent@shop.example").context["cl"]
    assert [row.skip for row in found.result_list] == ["no_consent"]


def test_an_audience_that_nobody_is_in_is_said(manager):
    campaign = create_campaign(scheduled_at=NOW)
    page = manager.get(reverse("admin:surveys_campaign_review", args=[campaign.pk])).text
    assert "Nobody is in the audience." in page
