"""Survey links posted to chat groups through the library Apprise: claimed first, handed over once, never repeated by itself.

Which addresses of robots are let in, and why no others, says `surveys.service_addresses`.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Callable

import apprise
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import User
from surveys import public_links, service_addresses
from surveys.models import ChatGroup, ChatPost, SurveyLink

logger = logging.getLogger(__name__)

# How Apprise calls a service, and how people do.
_NAMES = {
    "wecombot": "WeCom", "feishu": "Feishu", "dingtalk": "DingTalk", "tgram": "Telegram", "lark": "Lark", "slack": "Slack",
    "discord": "Discord",
}  # fmt: skip
SERVICES = {scheme: service_addresses.Service(name, r"[A-Za-z0-9_:/#.@+-]{6,400}") for scheme, name in _NAMES.items()}
# Longer than a hand-over can last.
LEASE = dt.timedelta(minutes=5)
AT_ONCE = 20
State = ChatPost.State
Clock = Callable[[], dt.datetime]


class BadRobot(Exception):
    """This is not the address of a robot that we may write to."""

    def __init__(self) -> None:
        names = ", ".join(f"{scheme}://… ({name})" for scheme, name in _NAMES.items())
        super().__init__(_("Write the robot's address as Apprise does, without a query: %(names)s") % {"names": names})


class GroupRests(Exception):
    """The group was written to not long ago."""

    def __init__(self, *, group: ChatGroup, until: dt.datetime) -> None:
        self.group, self.until = group, until
        super().__init__(_("This group got a survey not long ago and rests for some days."))


class PostNotOpen(Exception):
    """Nothing has to be decided about this post."""

    def __init__(self, *, post: ChatPost) -> None:
        self.post = post
        super().__init__(_("Nothing has to be decided: this post is %(state)s.") % {"state": post.get_state_display()})


def read(url: str) -> str:
    """Return the service of a robot's address. Raises BadRobot."""
    if found := service_addresses.scheme_of(url, services=SERVICES):
        return found
    raise BadRobot


def aim(*, group: ChatGroup, url: str) -> ChatGroup:
    """Point a group at a robot; the address holds a secret and is kept sealed. The group is not saved. Raises BadRobot."""
    group.service = read(url)
    group.sealed_url = service_addresses.seal(url)
    return group


def post(*, link: SurveyLink, group: ChatGroup, text: str, key: uuid.UUID, by: User, now: dt.datetime) -> ChatPost:
    """Queue a link for a group and return the post; the same key queues once. Raises GroupRests."""
    with transaction.atomic():
        # One at a time, so that two campaigns cannot both find the group rested.
        group = ChatGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
        if earlier := ChatPost.objects.filter(key=key).first():
            return earlier
        since = now - dt.timedelta(days=group.rest_days)
        last = group.posts.exclude(state=State.CANCELLED).filter(queued_at__gt=since).order_by("-queued_at").first()
        if last is not None:
            raise GroupRests(group=group, until=last.queued_at + dt.timedelta(days=group.rest_days))
        return ChatPost.objects.create(group=group, link=link, text=text[:500], key=key, by=by, queued_at=now)


def send_due(*, clock: Clock = timezone.now) -> int:
    """Hand over what is queued and return how many; first mark what a vanished worker left as not confirmed."""
    _reap(clock())
    waiting = ChatPost.objects.filter(state=State.QUEUED, group__is_active=True)
    sent = 0
    for row in waiting.select_related("group", "link").order_by("pk")[:AT_ONCE]:
        # The intent is in the database before the network hears of it; of two workers one gets it.
        claimed = ChatPost.objects.filter(pk=row.pk, state=State.QUEUED)
        if claimed.update(state=State.SENDING, claimed_at=clock()):
            state = State.SENT if _hand_over(row) else State.UNCONFIRMED
            held = ChatPost.objects.filter(pk=row.pk, state=State.SENDING)
            held.update(state=state, finished_at=clock())
            sent += 1
    return sent


def send_again(*, post: ChatPost) -> ChatPost:
    """Queue a post that nobody confirmed once more, knowing it may be the second. Raises PostNotOpen."""
    return _decide(post, {"state": State.QUEUED, "claimed_at": None, "finished_at": None})


def leave(*, post: ChatPost) -> ChatPost:
    """Leave it at that. Raises PostNotOpen."""
    return _decide(post, {"state": State.CANCELLED})


def _decide(post: ChatPost, values: dict) -> ChatPost:
    if not ChatPost.objects.filter(pk=post.pk, state=State.UNCONFIRMED).update(**values):
        post.refresh_from_db()
        raise PostNotOpen(post=post)
    post.refresh_from_db()
    return post


def _reap(now: dt.datetime) -> None:
    lost = ChatPost.objects.filter(state=State.SENDING, claimed_at__lt=now - LEASE)
    if number := lost.update(state=State.UNCONFIRMED, finished_at=now):
        logger.error("%d posts to chat groups are not confirmed: their worker vanished", number)


def _hand_over(row: ChatPost) -> bool:
    """Return whether the service confirmed the post. The library does not say why it did not, so nothing is repeated."""
    try:
        url = service_addresses.unseal(row.group.sealed_url)
        robot = apprise.Apprise()
        return (
            read(url) == row.group.service
            and robot.add(f"{url}?{service_addresses.QUERY}")
            and bool(
                robot.notify(body=f"{row.text}\n{public_links.url_of(row.link)}", body_format=apprise.NotifyFormat.TEXT)
            )
        )
    except Exception:
        logger.exception("Could not post %s to a chat group", row.pk)
        return False
