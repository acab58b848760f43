"""The ways by which a survey reaches people, and where they find it: the channels that links and answers are counted by."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from surveys.models import Campaign

# What a link may be made for. Mail and telephone are channels of answers too, but have no link of their own.
PLACES: dict[str, str | Promise] = {
    "wechat": _("WeChat"),
    "weibo": _("Weibo"),
    "xiaohongshu": _("Xiaohongshu"),
    "douyin": _("Douyin"),
    "receipt": _("receipt"),
    "window": _("shop window"),
    "counter": _("counter"),
    "table": _("table"),
    "parcel": _("parcel"),
    "website": _("website"),
    "whatsapp": "WhatsApp",
    "facebook": "Facebook",
    "instagram": "Instagram",
    "x": "X",
    "other": _("other"),
}
EMAIL, PHONE, NOTIFIER = "email", "phone", "notifier"
ALL: dict[str, str | Promise] = {
    EMAIL: _("e-mail"), PHONE: _("telephone"), NOTIFIER: pgettext_lazy("of a chat", "message"), **PLACES,
}  # fmt: skip


class Way(NamedTuple):
    """How a campaign reaches people: by which kind of identifier, with which channel's consent, and how answers count."""

    identifier: str
    consent: str
    channel: str


BY_MAIL = Way(identifier="email", consent="email", channel=EMAIL)
BY_MESSAGE = Way(identifier="phone", consent="sms", channel=NOTIFIER)


def way_of(campaign: "Campaign") -> Way:
    """Return how a campaign reaches people: by text message through its gateway, or by e-mail where it has none."""
    return BY_MESSAGE if campaign.gateway_id else BY_MAIL


def words(keys: Iterable[Any]) -> dict[Any, str]:
    """Return the words for channels; one that nobody knows is called by its key."""
    return {key: str(ALL.get(key, key)) for key in keys}
