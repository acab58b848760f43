"""Posts to chat groups: only to services with an address of their own, claimed before they leave, at most once."""

import datetime as dt
import uuid

import pytest
import requests
from django.db import IntegrityError, transaction
from django.urls import reverse

from customers.tests.factories import create_user
from surveys import notifier, public_links
from surveys.models import ChatGroup, ChatPost
from surveys.tests.factories import NOW
from surveys.tests.test_public_links import make_link
from surveys.tests.test_results_pages import log_in, office  # noqa: F401

pytestmark = pytest.mark.django_db
ROBOTS = {
    "wecombot://botkey12345678": "qyapi.weixin.qq.com",
    "feishu://abcdefghijkl1234567890abcdefghijkl": "open.feishu.cn",
    "dingtalk://abcdefghijk1234567890": "oapi.dingtalk.com",
    "tgram://123456789:abcdefg_hijklmnop/12315544/": "api.telegram.org",
}


@pytest.fixture
def wire(monkeypatch) -> list[tuple[str, str]]:
    """What would have left the machine: address and body. Nothing does."""
    seen: list[tuple[str, str]] = []

    def send(self, request, **kwargs):
        seen.append((request.url, request.body.decode() if isinstance(request.body, bytes) else str(request.body)))
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 200, request, request.url
        answer._content = b'{"errcode":0,"code":0,"ok":true,"StatusCode":0}'
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    return seen


def group_of(url: str, **fields) -> ChatGroup:
    group = notifier.aim(group=ChatGroup(name=uuid.uuid4().hex, **fields), url=url)
    group.save()
    return group


def queue(group: ChatGroup, *, now: dt.datetime = NOW, key: uuid.UUID | None = None) -> ChatPost:
    return notifier.post(
        link=make_link(), group=group, text="How was it?", key=key or uuid.uuid4(), by=create_user(), now=now
    )


@pytest.mark.parametrize(("url", "host"), ROBOTS.items())
def test_a_link_is_posted_once_to_the_services_own_address(url, host, wire):
    row = queue(group_of(url))
    assert notifier.send_due(clock=lambda: NOW) == 1
    assert notifier.send_due(clock=lambda: NOW) == 0
    row.refresh_from_db()
    assert row.state == "sent"
    assert {requests.utils.urlparse(address).hostname for address, _body in wire} == {host}
    assert public_links.url_of(row.link).split("//")[1] in "".join(body for _address, body in wire).replace("\\/", "/")


@pytest.mark.parametrize(
    "url",
    [
        "json://localhost/x", "jsons://10.0.0.1/", "xml://127.0.0.1", "form://169.254.169.254/latest", "mailto://a:b@c.example",
        "http://localhost", "file:///etc/passwd", "wecombot://botkey12345678?verify=no", "mmost://internal/token",
        "feishu://", "nonsense", "tgram://x", "WECOMBOT://botkey12345678", "wecombot://key\nx", "exec://rm", "dbus://",
    ],
)  # fmt: skip
def test_no_address_leads_elsewhere(url):
    with pytest.raises(notifier.BadRobot):
        notifier.aim(group=ChatGroup(name="x"), url=url)


def test_the_robots_address_is_kept_sealed():
    group = group_of("wecombot://botkey12345678")
    assert b"botkey12345678" not in bytes(ChatGroup.objects.get(pk=group.pk).sealed_url)


def test_a_group_rests_whatever_the_campaign_and_the_same_form_posts_once():
    group, key = group_of("wecombot://botkey12345678", rest_days=14), uuid.uuid4()
    first = queue(group, key=key)
    assert queue(group, key=key) == first
    with pytest.raises(notifier.GroupRests):
        queue(group, now=NOW + dt.timedelta(days=13))
    assert queue(group, now=NOW + dt.timedelta(days=15)) != first


def test_what_nobody_confirmed_is_never_sent_again_by_itself(wire, monkeypatch):
    row = queue(group_of("wecombot://botkey12345678"))
    monkeypatch.setattr(notifier.apprise.Apprise, "notify", lambda *args, **kwargs: False)
    notifier.send_due(clock=lambda: NOW)
    notifier.send_due(clock=lambda: NOW)
    row.refresh_from_db()
    assert row.state == "unconfirmed"
    notifier.send_again(post=row)
    with pytest.raises(notifier.PostNotOpen):
        notifier.leave(post=row)


def test_a_post_of_a_vanished_worker_is_not_confirmed(wire):
    row = queue(group_of("wecombot://botkey12345678"))
    ChatPost.objects.filter(pk=row.pk).update(state="sending", claimed_at=NOW)
    notifier.send_due(clock=lambda: NOW + dt.timedelta(minutes=4))
    row.refresh_from_db()
    assert row.state == "sending"
    notifier.send_due(clock=lambda: NOW + dt.timedelta(minutes=6))
    row.refresh_from_db()
    assert (row.state, wire) == ("unconfirmed", [])


def test_nothing_leaves_that_was_not_claimed():
    row = queue(group_of("wecombot://botkey12345678"))
    with pytest.raises(IntegrityError), transaction.atomic():
        ChatPost.objects.filter(pk=row.pk).update(state="sent")


def test_staff_keep_a_robot_and_post_a_link(office):  # noqa: F811
    add = reverse("admin:surveys_chatgroup_add")
    data = {"name": "VIP", "language": "zh-hans", "rest_days": "14", "is_active": "on"}
    assert "wecombot" in office.post(add, data | {"url": "json://localhost"}).text
    assert office.post(add, data | {"url": "wecombot://botkey12345678"}).status_code == 302
    group, link = ChatGroup.objects.get(), make_link()
    assert "botkey12345678" not in office.get(reverse("admin:surveys_chatgroup_change", args=[group.pk])).text
    url = reverse("admin:surveys_surveylink_post", args=[link.pk])
    form = {"key": str(uuid.uuid4()), "group": group.pk, "text": ""}
    assert [office.post(url, form).status_code for _again in range(2)] == [302, 302]
    assert ChatPost.objects.get().text.endswith("：")
    assert "rests for some days" in office.post(url, form | {"key": str(uuid.uuid4())}).text
    assert log_in("view_surveylink").get(url).status_code == 403
