"""A campaign in the admin: looked over, released by another person, reworded while it runs, and explained."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group
from django.test import Client, override_settings
from django.urls import reverse

from customers.tests.factories import create_user
from loyalty_site.roles import ensure_roles
from surveys import campaigns, claiming, estimates, letters, mailing, proof, reach, wordings
from surveys.lots import lot
from surveys.models import Campaign, MailAccount, Message, Run, Wording
from surveys.tests.factories import NOW, create_asker, create_campaign, create_run

pytestmark = pytest.mark.django_db
LATER = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)


@pytest.fixture
def staff():
    """Mia the marketer, and the managers Max and Moritz."""
    ensure_roles()
    people = {}
    for name, role in (("mia", "marketer"), ("max", "manager"), ("moritz", "manager")):
        people[name] = create_user(email=f"{name}@shop.example", is_staff=True)
        people[name].groups.add(Group.objects.get(name=role))
    return people


def client(person) -> Client:
    found = Client()
    found.force_login(person)
    return found


def url(page: str, campaign: Campaign) -> str:
    return reverse(f"admin:surveys_campaign_{page}", args=[campaign.pk])


@pytest.fixture
def many(monkeypatch):
    """An audience above the limit."""
    monkeypatch.setattr(campaigns, "RELEASE_ABOVE", 2)
    for _number in range(3):
        create_asker()


def test_a_marketer_asks_and_a_manager_releases_a_campaign_to_many(staff, many):
    campaign = create_campaign(scheduled_at=LATER, by=staff["mia"])
    page = client(staff["mia"]).get(url("review", campaign))
    assert "Ask for release" in page.text
    client(staff["mia"]).post(url("review", campaign))
    campaign.refresh_from_db()
    assert campaign.state == "requested"
    assert campaigns.plan_due_runs(now=LATER) == []
    assert client(staff["mia"]).post(url("review", campaign)).status_code == 403
    client(staff["max"]).post(url("review", campaign))
    campaign.refresh_from_db()
    assert (campaign.state, campaign.released_by) == ("scheduled", staff["max"])


def test_a_manager_does_not_release_an_own_draft_unless_four_eyes_are_off(staff, many):
    campaign = create_campaign(scheduled_at=LATER, by=staff["max"])
    client(staff["max"]).post(url("review", campaign))
    campaign.refresh_from_db()
    assert campaign.state == "requested"
    with pytest.raises(campaigns.CampaignNeedsAnother):
        campaigns.release(campaign=campaign, by=staff["max"], now=NOW)
    assert "another person has to release it" in client(staff["max"]).get(url("review", campaign)).text
    campaigns.send_back(campaign=campaign, now=NOW)
    with override_settings(FOUR_EYES=False):
        assert campaigns.schedule(campaign=campaign, by=staff["max"], now=NOW).state == "scheduled"


def test_a_marketer_schedules_a_campaign_to_few_alone(staff):
    create_asker()
    campaign = create_campaign(scheduled_at=LATER, by=staff["mia"])
    client(staff["mia"]).post(url("review", campaign))
    campaign.refresh_from_db()
    assert (campaign.state, campaign.released_by) == ("scheduled", None)


def test_the_review_says_what_is_missing_and_then_lets_nothing_go(staff):
    campaign = create_campaign(scheduled_at=None)
    page = client(staff["mia"]).get(url("review", campaign)).text
    assert "Say when the mails shall leave." in page
    assert 'type="submit" value="Schedule"' not in page
    client(staff["mia"]).post(url("review", campaign))
    campaign.refresh_from_db()
    assert campaign.state == "draft"


def test_an_estimate_takes_off_sample_holdout_and_who_rests(sink):
    for _number in range(10):
        create_asker()
    create_run(sample=10_000, name="First", per_claim=20)
    mailing.send_due(clock=lambda: NOW)
    create_asker()
    create_asker()
    campaign = create_campaign(sample=5_000, scheduled_at=NOW)
    found = estimates.estimate(campaign=campaign, now=NOW)
    assert (found.rehearsal.considered, found.rehearsal.skips["quarantine"]) == (12, 10)
    assert found.begins_at == NOW


def left(run, moments: list[dt.datetime]) -> None:
    """Let the mails of a run have left, as many at each moment as there are for each."""
    pks = list(run.messages.order_by("pk").values_list("pk", flat=True))
    for place, moment in enumerate(moments):
        rows = Message.objects.filter(pk__in=pks[place :: len(moments)])
        rows.update(state=Message.State.ACCEPTED, finished_at=moment)


def test_an_estimate_goes_by_how_fast_the_last_run_left(monkeypatch, staff):
    for _number in range(12):
        create_asker()
    # Three at a time, every two seconds; in between a night. What the night and the first moment took is not known.
    moments = [NOW, NOW + dt.timedelta(seconds=2), *(NOW + dt.timedelta(hours=12, seconds=more) for more in (0, 2))]
    run = create_run(quarantine_days=0)
    left(run, moments)
    today = LATER - dt.timedelta(days=2)
    Run.objects.update(planned_at=today)
    monkeypatch.setattr(estimates, "TELLING", 7)
    assert estimates.measured(now=today) is None
    monkeypatch.setattr(estimates, "TELLING", 6)
    assert estimates.measured(now=today) == 1.5
    assert estimates.measured(now=today + dt.timedelta(days=90)) is None
    campaign = create_campaign(scheduled_at=LATER)
    found = estimates.estimate(campaign=campaign, now=today)
    assert (found.per_second, found.is_paced) == (1.5, False)
    assert found.done_at == found.begins_at + dt.timedelta(seconds=found.rehearsal.mails / 1.5)
    assert "as measured in an earlier run" in client(staff["mia"]).get(url("review", campaign)).text


def test_nobody_promises_when_the_last_mail_leaves_before_it_is_known(staff):
    create_asker()
    campaign = create_campaign(scheduled_at=LATER)
    found = estimates.estimate(campaign=campaign, now=NOW)
    assert (found.per_second, found.done_at) == (None, None)
    page = client(staff["mia"]).get(url("review", campaign)).text
    assert page.count("not known yet") == 2
    MailAccount.objects.create(mailer="surveys", most_per_second=5)
    found = estimates.estimate(campaign=campaign, now=NOW)
    assert (found.per_second, found.is_paced) == (5, True)
    assert found.done_at == found.begins_at + dt.timedelta(seconds=0.2)


def test_an_estimate_stretches_over_the_hours_of_the_days():
    campaign = create_campaign(scheduled_at=NOW, hour_from=12, hour_until=14)
    # 13:00 in Berlin: one hour is open today, two tomorrow.
    done = estimates._done(campaign, NOW, 2 * 3600 * 100, 100.0)
    assert done == NOW + dt.timedelta(hours=24)
    campaign.spread_days = 3
    assert estimates._done(campaign, NOW, 300, 100.0) == NOW + dt.timedelta(days=2, seconds=1)


def test_the_audience_is_counted_while_it_is_chosen(staff):
    create_asker()
    create_asker()
    answer = client(staff["mia"]).get(reverse("admin:surveys_campaign_audience"), {"segment": "everyone"})
    assert answer.json()["text"] == "Now 2 customers, of whom 2 agreed to surveys by e-mail."
    answer = client(staff["mia"]).get(reverse("admin:surveys_campaign_audience"), {"segment": "x", "store": "9" * 99})
    assert answer.json()["text"] == "Now 0 customers, of whom 0 agreed to surveys by e-mail."
    page = client(staff["mia"]).get(reverse("admin:surveys_campaign_add")).text
    assert "Now 2 customers" in page


def test_edited_texts_are_a_new_wording_and_what_has_left_keeps_its_own(sink, staff):
    create_asker(email="first@shop.example")
    create_asker(email="second@shop.example")
    run = create_run(per_claim=1)
    with mailing.courier.Courier() as connection:
        batch = claiming.claim(run_id=run.pk, now=NOW, most=1)
        mailing.send(batch, connection=connection, letters=letters.Letters(), clock=lambda: NOW)
    page = client(staff["mia"]).post(
        url("texts", run.campaign), {"subject_en": "How did you like it?", "subject_zh": "", "body_en": "Hi {name}"}
    )
    assert page.status_code == 302
    mailing.send_due(clock=lambda: NOW)
    assert sorted(mail["Subject"] for mail in sink.messages) == ["How did you like it?", "How was it?"]
    assert list(Wording.objects.order_by("revision").values_list("revision", "subject_en")) == [
        (1, "How was it?"), (2, "How did you like it?"),
    ]  # fmt: skip
    assert set(Message.objects.values_list("wording__revision", flat=True)) == {1, 2}
    # Saved again without a change there is nothing new.
    run.campaign.refresh_from_db()
    assert [each.revision for each in wordings.current(campaign=run.campaign)] == [2]


def test_two_subjects_are_compared_by_lot_and_each_mail_knows_its_own(sink):
    for _number in range(30):
        create_asker()
    run = create_run(subject_b_en="Was it nice?", per_claim=50)
    mailing.send_due(clock=lambda: NOW)
    subjects = [mail["Subject"] for mail in sink.messages]
    customers = run.invitations.values_list("customer", flat=True)
    assert subjects.count("Was it nice?") == sum(lot("subject", run.campaign_id, pk) % 2 for pk in customers)
    assert subjects.count("How was it?") + subjects.count("Was it nice?") == 30
    assert Message.objects.filter(wording__arm="b").count() == subjects.count("Was it nice?")


def test_mails_are_spread_over_days():
    for _number in range(40):
        create_asker()
    run = create_run(spread_days=4)
    days = [message.not_before - NOW for message in run.messages.all()]
    assert {day.days for day in days} == {0, 1, 2, 3}
    assert all(day == dt.timedelta(days=day.days) for day in days)


def test_newcomers_are_added_and_nobody_is_considered_twice(sink):
    create_asker(email="early@shop.example")
    run = create_run()
    mailing.send_due(clock=lambda: NOW)
    create_asker(email="late@shop.example", enrolled_at=NOW + dt.timedelta(hours=1))
    later = NOW + dt.timedelta(hours=2)
    campaigns.runs.add_newcomers(run=run, now=later)
    from surveys import audience

    audience.prepare(run=run, now=later)
    mailing.send_due(clock=lambda: later)
    assert len(sink.to("early@shop.example")) == len(sink.to("late@shop.example")) == 1
    assert (run.invitations.count(), proof.all_of_it()) == (2, {})


def test_of_two_campaigns_that_want_somebody_the_one_of_higher_priority_asks(sink):
    create_asker(email="alice@shop.example")
    low = create_run(name="Low", priority=7)
    high = create_run(name="High", priority=2)
    mailing.send_due(clock=lambda: NOW)
    assert len(sink.to("alice@shop.example")) == 1
    assert high.invitations.get().skip == ""
    assert low.invitations.get().skip == "quarantine"
    assert proof.all_of_it() == {}


def test_why_did_somebody_not_get_it(staff, sink):
    alice = create_asker(name="Alice", email="alice@shop.example", member_number="M42")
    create_asker(name="Bob", email="alice+two@gmail.com")
    late = create_asker(name="Late", email="late@shop.example", enrolled_at=NOW + dt.timedelta(hours=1))
    run = create_run(holdout=10_000)
    page = client(staff["max"]).post(url("why", run.campaign), {"customer": "m42"}).text
    assert "kept apart to compare with" in page
    found = reach.explain(campaign=run.campaign, text="ALICE@shop.example", now=NOW)
    assert (found.customer, found.findings[0].why) == (alice, "skipped: kept apart to compare with")
    [finding] = reach.explain(campaign=run.campaign, text=late.member_number, now=NOW).findings
    assert "Not in the audience" in finding.why
    assert "Nobody found" in client(staff["max"]).post(url("why", run.campaign), {"customer": "nobody"}).text
    assert client(staff["mia"]).get(url("why", run.campaign)).status_code == 403


def test_a_campaign_pauses_goes_on_is_cancelled_and_archived(sink):
    create_asker()
    run = create_run()
    campaign = run.campaign
    campaigns.pause(campaign=campaign, now=NOW)
    mailing.send_due(clock=lambda: NOW)
    assert sink.messages == []
    assert campaigns.state_word(campaign=campaign) == "paused: by hand"
    with pytest.raises(campaigns.CampaignNotInState):
        campaigns.archive(campaign=campaign, now=NOW)
    campaigns.resume(campaign=campaign, now=NOW)
    mailing.send_due(clock=lambda: NOW)
    assert campaigns.state_word(campaign=campaign) == "sent"
    campaigns.cancel(campaign=campaign, now=NOW)
    assert campaigns.archive(campaign=campaign, now=NOW).state == "archived"
