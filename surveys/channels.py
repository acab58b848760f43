"""Where people find a survey: the words for the channels that links and answers are counted by."""

from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

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


def words(keys: Iterable[Any]) -> dict[Any, str]:
    """Return the words for channels; one that nobody knows is called by its key."""
    return {key: str(ALL.get(key, key)) for key in keys}
