"""Links and posters: anybody may answer, each device softly once, members are thanked once, channels are counted apart."""

import io
import time

import pytest
from django.core import signing
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.tests.factories import create_user
from customers.timezones import programme_date
from rewards.models import Coupon, PointBalance
from rewards.tests.coupon_factories import create_batch
from surveys import channels, posters, public_links, thanks
from surveys.models import Campaign, Invitation, LinkThanks, Response, RewardGrant, Run, SurveyLink
from surveys.tests.factories import NOW, create_asker, create_campaign, create_run, create_survey
from surveys.tests.test_results_pages import log_in, office  # noqa: F401
from surveys.views import public, questionnaire

pytestmark = pytest.mark.django_db


def make_link(*, points: int = 0, anonymity: str = "identified", **fields) -> SurveyLink:
    campaign = create_campaign(survey=create_survey(kinds=("nps",), anonymity=anonymity), points=points)
    return SurveyLink.objects.create(campaign=campaign, channel=fields.pop("channel", "wechat"), **fields)


def a_minute_ago() -> str:
    """The sealed moment at which a page was opened; who answers within a second is not thanked."""
    return signing.dumps(int(time.time()) - 60, **questionnaire._CLOCK)


def send(client: Client, link: SurveyLink, rating: int = 9):
    url = reverse("survey_link", args=[link.code])
    question = link.campaign.survey.versions.get().questions.get()
    client.get(url)
    data = {
        "page": "0",
        "t": a_minute_ago(),
        f"q{question.pk}": str(rating),
        "asked": [str(question.pk)],
        "js": "1",
    }
    return client.post(url, data)


def test_anybody_answers_by_a_link_and_is_counted_by_its_place():
    for channel in ("wechat", "window"):
        send(Client(), make_link(channel=channel))
    assert sorted(Response.objects.completed().values_list("channel", flat=True)) == ["wechat", "window"]
    assert set(Response.objects.values_list("customer", "invitation", "run")) == {(None, None, None)}


def test_a_device_answers_once_and_another_one_too():
    link, phone = make_link(), Client()
    send(phone, link)
    url = reverse("survey_link", args=[link.code])
    assert "answered already" in phone.get(url).text
    phone.post(url, {"page": "0"})
    assert Response.objects.count() == 1
    send(Client(), link)
    assert Response.objects.count() == 2
    forged = Client()
    forged.cookies[f"survey-{link.pk}"] = "answered"
    assert "answered already" not in forged.get(url).text


def test_looking_records_nothing_and_sets_no_cookie_of_an_answer():
    link = make_link()
    page = Client().get(reverse("survey_link", args=[link.code]))
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    assert f"survey-{link.pk}" not in page.cookies
    assert not Response.objects.exists()


def member() -> tuple[Client, object]:
    user = create_user()
    customer = create_asker(user=user)
    client = Client()
    client.force_login(user)
    return client, customer


def test_a_member_is_thanked_once_per_campaign_whatever_the_devices():
    link = make_link(points=30)
    client, customer = member()
    assert "30 points" in send(client, link).text
    second = Client()
    second.force_login(customer.user)
    send(second, link, rating=0)
    assert PointBalance.objects.get(customer=customer).active == 30
    assert LinkThanks.objects.count() == 1
    assert Response.objects.filter(customer=customer).count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        LinkThanks.objects.create(campaign=link.campaign, customer=customer, points=1, earned_at=NOW)


def test_who_is_not_signed_in_is_told_where_the_points_are():
    link = make_link(points=30)
    page = Client().get(reverse("survey_link", args=[link.code])).text
    assert "Members get 30 points" in page
    assert "/accounts/" in page
    assert "The shop sees your answers, not who you are." in page


def test_who_was_thanked_for_the_mail_is_not_thanked_again():
    link = make_link(points=30)
    client, customer = member()
    Campaign.objects.filter(pk=link.campaign_id).update(state="draft")
    run = create_run(survey=link.campaign.survey)
    RewardGrant.objects.create(
        invitation=run.invitations.get(customer=customer),
        campaign=link.campaign,
        state="granted",
        granted_date=NOW.date(),
    )
    assert "points" not in send(client, link).text
    assert not LinkThanks.objects.exists()


def link_of_a_budget(**fields) -> SurveyLink:
    link = make_link(points=30)
    Campaign.objects.filter(pk=link.campaign_id).update(**fields)
    return SurveyLink.objects.get()


@pytest.mark.parametrize("budget", [{"thanks_limit": 2}, {"thanks_per_day": 2}])
def test_links_and_mails_share_the_budget_of_a_campaign(budget):
    link = link_of_a_budget(**budget)
    people = [member() for _number in range(3)]
    run = create_run(survey=link.campaign.survey, now=timezone.now(), name="Other")
    campaign = Campaign.objects.get(pk=link.campaign_id)
    RewardGrant.objects.create(
        invitation=run.invitations.get(customer=people[2][1]), campaign=campaign, state="granted",
        granted_date=programme_date(timezone.now()),
    )  # fmt: skip
    assert "30 points" in send(people[0][0], link).text
    # The second of two thanks went to a mail, so a second member by the link is promised none, and gets none.
    url = reverse("survey_link", args=[link.code])
    assert "points" not in people[1][0].get(url).text
    assert "Members get" not in Client().get(url).text
    assert "on your account" not in send(people[1][0], link).text
    assert Response.objects.count() == 2
    assert LinkThanks.objects.count() == 1
    # And a mail answered now waits for the next day or for somebody.
    late = run.invitations.get(customer=people[1][1])
    Run.objects.filter(pk=run.pk).update(campaign=campaign)
    late = Invitation.objects.select_related("run__campaign").get(pk=late.pk)
    with transaction.atomic():
        assert thanks.give(invitation=late, doubts=[], now=timezone.now()).state == "held"


def test_what_was_used_up_while_somebody_wrote_is_not_given():
    link = link_of_a_budget(thanks_limit=1)
    (first, _one), (second, _other) = member(), member()
    page = second.get(reverse("survey_link", args=[link.code])).text
    assert "30 points" in page
    send(first, link)
    assert "on your account" not in send(second, link).text
    assert LinkThanks.objects.count() == 1


def test_a_link_gives_the_coupon_of_the_campaign_by_the_rules_of_its_batch():
    link = make_link(points=30)
    batch = create_batch(limit=1)
    Campaign.objects.filter(pk=link.campaign_id).update(coupon_batch=batch)
    link = SurveyLink.objects.get()
    (client, customer), (other, _customer) = member(), member()
    assert "Members get a coupon" in Client().get(reverse("survey_link", args=[link.code])).text
    assert "A coupon is among your coupons" in send(client, link).text
    coupon = LinkThanks.objects.get().coupon
    assert (coupon.customer, coupon.source) == (customer, f"survey-link:{link.campaign_id}:{customer.pk}")
    # The batch is empty: the points alone.
    page = send(other, link).text
    assert "30 points" in page
    assert "A coupon is among" not in page
    assert Coupon.objects.count() == 1


@pytest.mark.parametrize(("anonymity", "thanked"), [("confidential", True), ("anonymous", False)])
def test_a_promise_is_kept_to_members_too(anonymity, thanked):
    link = make_link(points=30, anonymity=anonymity)
    client, _customer = member()
    send(client, link)
    assert Response.objects.get().customer is None
    assert LinkThanks.objects.exists() == thanked


@pytest.mark.parametrize("change", [{"is_active": False}, {"closes_at": NOW}])
def test_a_closed_link_says_so(change):
    link = make_link(**change)
    assert Client().get(reverse("survey_link", args=[link.code])).status_code == 404


def test_a_cancelled_campaign_closes_its_links():
    link = make_link()
    Campaign.objects.filter(pk=link.campaign_id).update(state="cancelled")
    assert public_links.find(code=link.code, now=NOW) is None


def test_a_machine_is_stopped(monkeypatch):
    monkeypatch.setattr(public, "ANSWERS", 2)
    link = make_link()
    assert [send(Client(), link).status_code for _try in range(4)] == [200, 200, 429, 429]
    assert Response.objects.count() == 2


def test_a_forged_post_without_the_token_of_the_form_is_refused():
    link = make_link()
    assert (
        Client(enforce_csrf_checks=True).post(reverse("survey_link", args=[link.code]), {"page": "0"}).status_code
        == 403
    )


@pytest.mark.parametrize("size", posters.SIZES)
def test_a_poster_is_a_page_with_the_address(size):
    file = io.BytesIO()
    link = make_link()
    link.campaign.survey.title_en = "您的光临 <b>& more</b>"
    posters.write_poster(link=link, size=size, file=file)
    assert file.getvalue().startswith(b"%PDF-")
    assert file.getvalue().count(b"/Type /Page\n") == 1


def test_staff_make_a_link_open_it_and_print_it(office):  # noqa: F811
    campaign = create_campaign(survey=create_survey(kinds=("nps",)))
    add = reverse("admin:surveys_surveylink_add")
    data = {
        "campaign": campaign.pk,
        "channel": "receipt",
        "label": "",
        "is_active": "on",
        "closes_at_0": "",
        "closes_at_1": "",
    }
    assert office.post(add, data).status_code == 302
    link = SurveyLink.objects.get()
    assert "There is such a link already" in office.post(add, data).text
    page = office.get(reverse("admin:surveys_surveylink_change", args=[link.pk])).text
    assert public_links.url_of(link) in page
    poster = office.get(reverse("admin:surveys_surveylink_poster", args=[link.pk, "a4"]))
    assert poster.headers["Content-Type"] == "application/pdf"
    assert (
        log_in("view_survey").get(reverse("admin:surveys_surveylink_poster", args=[link.pk, "a4"])).status_code == 403
    )
    send(Client(), link)
    assert office.get(reverse("admin:surveys_surveylink_changelist")).context["cl"].result_list[0].answered == 1


def phone(client: Client, campaign: Campaign, member_number: str = "", rating: int = 3):
    url = reverse("admin:surveys_campaign_phone", args=[campaign.pk]) + f"?member={member_number}"
    question = campaign.survey.versions.get().questions.get()
    data = {
        "page": "0",
        "t": a_minute_ago(),
        f"q{question.pk}": str(rating),
        "asked": [str(question.pk)],
    }
    return client.post(url, data)


def test_staff_write_down_an_answer_by_telephone_apart_from_the_web(office):  # noqa: F811
    campaign = create_campaign(survey=create_survey(kinds=("nps",)))
    customer = create_asker()
    assert office.get(reverse("admin:surveys_campaign_phone", args=[campaign.pk])).status_code == 200
    phone(office, campaign, customer.member_number)
    phone(office, campaign)
    found = Response.objects.order_by("started_at", "customer")
    assert {(row.mode, row.channel) for row in found} == {("phone", channels.PHONE)}
    assert {row.customer for row in found} == {customer, None}
    assert all(row.by is not None for row in found)
    assert "There is no member 999" in office.get(
        reverse("admin:surveys_campaign_phone", args=[campaign.pk]), {"member": "999"}
    ).text  # fmt: skip


def test_a_call_answers_the_open_invitation_and_brings_its_thanks(office):  # noqa: F811
    customer = create_asker()
    run = create_run(survey=create_survey(kinds=("nps",)), points=40, now=timezone.now())
    phone(office, run.campaign, customer.member_number)
    invitation = run.invitations.get(customer=customer)
    assert invitation.has_answered
    assert Response.objects.get().mode == "phone"


def test_the_telephone_needs_its_own_right():
    campaign = create_campaign()
    url = reverse("admin:surveys_campaign_phone", args=[campaign.pk])
    assert log_in("view_campaign", "change_campaign").get(url).status_code == 403
    assert log_in("add_response").get(url).status_code == 200
