"""Why a product is recommended, in words."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Product
from customers.recommendations.ranking import Item, Kind

FEWEST_TIMES = 3  # receipts, before one speaks of a habit
SHORTEST_GAP = 4  # days; what is bought more often is bought anyway
FORGOTTEN = 4  # gaps; then the habit is over


def reason(item: Item, because: Product | None, passed: int) -> str:
    """Return the reason for an item whose ages are `passed` days old, in the active language."""
    if item.kind is Kind.POPULAR:
        return _("Many customers buy this right now.")
    if item.kind is Kind.DISCOVERY:
        return _discovery(because)
    since = item.age + passed
    if item.times >= FEWEST_TIMES and item.gap >= SHORTEST_GAP and item.gap <= since <= FORGOTTEN * item.gap:
        return _habit(item.gap, since)
    if item.times >= FEWEST_TIMES:
        return _("Because you often buy it.")
    return _("Because you bought it before.")


def _habit(gap: int, since: int) -> str:
    usual, passed = _span(gap, gap), _span(since, gap)
    if usual == passed:
        return _("You usually buy this every %(usual)s, and it is time again.") % {"usual": usual}
    return _("You usually buy this every %(usual)s, and it has been %(passed)s.") % {"usual": usual, "passed": passed}


def _span(days: int, gap: int) -> str:
    """Return days in words: in weeks where the habit is one of weeks."""
    if gap < 14:
        return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
    weeks = round(days / 7)
    return ngettext("%(count)s week", "%(count)s weeks", weeks) % {"count": weeks}


def _discovery(because: Product | None) -> str:
    if because is None:
        return _("Many customers buy this right now.")
    return _("People who buy %(product)s also like this.") % {"product": because.name}
