"""What the mail about a surprise is made of: the notice keeps two keys, the words are read when it is sent."""

from typing import Any

from django import template

from rewards import surprise_gifts
from rewards.models import Surprise, SurpriseGift

register = template.Library()


@register.simple_tag
def surprise_of(gift_id: int) -> dict[str, Any]:
    """Return the merchant's words of a surprise, what it is, and until when it waits."""
    rows = SurpriseGift.objects.select_related("surprise__batch", "surprise__reward")
    gift = rows.get(pk=gift_id)
    surprise = gift.surprise
    return {
        "subject": surprise.subject,
        "message": surprise.message,
        "name": surprise_gifts.name_of(surprise),
        "points": surprise.points if surprise.gift == Surprise.Gift.POINTS else 0,
        "is_at_counter": surprise.gift in (Surprise.Gift.THING, Surprise.Gift.REWARD),
        "waits_until": gift.waits_until,
    }
