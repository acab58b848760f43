"""Two subjects compared: counted by customer, honest while it is watched, and said in words."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from customers.tests.factories import create_user
from loyalty_site.roles import ensure_roles
from rewards.proportions import needed
from surveys import subjects, wordings
from surveys.models import Campaign, Invitation, Message, Wording
from surveys.tests.factories import NOW, create_asker, create_campaign, create_run, create_version

pytestmark = pytest.mark.django_db


def asked(*, a: tuple[int, int], b: tuple[int, int], campaign: Campaign | None = None) -> Campaign:
    """Make a run in which so many were reached and so many answered by each subject."""
    campaign = campaign or create_campaign(subject_b_en="Was it nice?", state="scheduled")
    wordings.current(campaign=campaign)
    version = campaign.survey.versions.first() or create_version(survey=campaign.survey, kinds=("nps",))
    run = campaign.runs.create(
        version=version, period_key=str(campaign.runs.count()), phase="sending", planned_at=NOW, closes_at=NOW
    )
    for arm, (reached, answered) in (("a", a), ("b", b)):
        wording = campaign.wordings.filter(arm=arm).latest("revision")
        for number in range(reached):
            who = create_asker()
            invitation = Invitation.objects.create(
                run=run, customer=who, email_normalised=f"{who.pk}", language="en", time_zone="UTC",
                has_answered=number < answered,
            )  # fmt: skip
            Message.objects.create(
                run=run, invitation=invitation, wording=wording, state="accepted", not_before=NOW, finished_at=NOW
            )
    return campaign


def test_shares_are_counted_with_wilsons_interval():
    one, other = subjects.compare(campaign=asked(a=(40, 8), b=(40, 20))).variants
    assert (one.reached, one.answered, other.reached, other.answered) == (40, 8, 40, 20)
    # Wilson at 95 percent: 8 of 40 lie between 10.5 and 34.8 percent.
    assert round(100 * one.interval.low, 1) == 10.5
    assert round(100 * one.interval.high, 1) == 34.8


def test_what_an_ordinary_interval_calls_clear_may_not_be_clear_yet():
    """12 of 60 against 23 of 60: one look at the end would say so; looked at every day it has to be more."""
    from rewards.proportions import Share, newcombe

    found = subjects.compare(campaign=asked(a=(60, 12), b=(60, 23)))
    assert newcombe(Share(23, 60), Share(12, 60)).excludes_zero
    assert not found.difference.excludes_zero
    [verdict] = subjects.sentences(found)
    assert verdict.startswith("No clear difference")
    assert f"about {found.needed:,} mails" in verdict
    assert found.needed == needed(base=35 / 120, effect=0.05)


@pytest.mark.parametrize(
    ("a", "b", "begin"),
    [((60, 5), (60, 50), "The second subject brings more answers"), ((60, 50), (60, 5), "The first subject brings")],
)
def test_a_clear_difference_names_the_better_one_with_positive_numbers(a, b, begin):
    [verdict] = subjects.sentences(subjects.compare(campaign=asked(a=a, b=b)))
    assert verdict.startswith(begin)
    assert "of 100 mails 75.0 more" in verdict
    assert subjects.MINUS not in verdict


def test_few_are_not_compared():
    found = subjects.compare(campaign=asked(a=(19, 10), b=(30, 10)))
    assert found.difference is None
    assert subjects.sentences(found)[0].startswith("Too few answers to compare")


def test_who_is_asked_again_is_one_customer_and_bounces_reached_nobody():
    campaign = asked(a=(20, 5), b=(20, 5))
    for invitation in list(Invitation.objects.all()):
        again = campaign.runs.get_or_create(
            period_key="again", version=campaign.runs.first().version, planned_at=NOW, closes_at=NOW
        )[0]
        copy = Invitation.objects.create(
            run=again, customer=invitation.customer, email_normalised=invitation.email_normalised, language="en",
            time_zone="UTC", has_answered=invitation.has_answered,
        )  # fmt: skip
        first = invitation.messages.get()
        Message.objects.create(
            run=again, invitation=copy, wording=first.wording, state="accepted", not_before=NOW, finished_at=NOW
        )
    bounced = Message.objects.filter(wording__arm="b").order_by("invitation__customer", "pk")[:2]
    Message.objects.filter(pk__in=[message.pk for message in bounced]).update(state="bounced")
    one, other = subjects.compare(campaign=campaign).variants
    assert (one.reached, other.reached) == (20, 19)


def test_what_waits_and_what_was_reworded_is_said(sink):
    for _number in range(4):
        create_asker()
    run = create_run(subject_b_en="Was it nice?")
    campaign = run.campaign
    Wording.objects.create(campaign=campaign, arm="a", revision=2, subject_en="How did you like it?")
    Message.objects.filter(pk=Message.objects.order_by("pk").first().pk).update(
        wording=campaign.wordings.get(arm="a", revision=2)
    )
    Message.objects.exclude(wording__revision=2).update(wording=campaign.wordings.get(arm="a", revision=1))
    said = subjects.sentences(subjects.compare(campaign=campaign))
    assert said[1:] == [
        "Mails that still wait to leave: 4.",
        "A subject was changed under way, so its numbers are those of all its texts together.",
    ]


@pytest.mark.parametrize(("role", "status"), [("marketer", 200), ("manager", 200), ("auditor", 403), ("cashier", 403)])
def test_the_page_is_for_whoever_reads_results(role, status):
    ensure_roles()
    user = create_user(is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    campaign = asked(a=(20, 5), b=(20, 15))
    answer = client.get(reverse("admin:surveys_campaign_subjects", args=[campaign.pk]))
    assert answer.status_code == status
    if status == 200:
        assert "75.0%" in answer.text
        assert "Was it nice?" in answer.text
        page = client.get(reverse("admin:surveys_campaign_change", args=[campaign.pk])).text
        assert "Which subject?" in page
        assert "100%" in page, "what cannot be changed any more is written out"
        data = {"CHANGE_FORM-action": "results", "_selected_action": str(campaign.pk)}
        answer = client.post(reverse("admin:surveys_campaign_change", args=[campaign.pk]), data)
        assert answer.headers["Location"].endswith(f"/dashboard/?campaign={campaign.pk}")
        plain = create_campaign(state="scheduled")
        assert "Which subject?" not in client.get(reverse("admin:surveys_campaign_change", args=[plain.pk])).text
