"""Why points do not move: what `rewards.ledger` raises, each with its sentence. Nothing was posted."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rewards.models import PointTransaction

REINSTATE_DAYS = 30


class InsufficientPoints(Exception):
    """The customer has fewer spendable points than are needed."""

    def __init__(self, *, needed: int, available: int) -> None:
        self.needed, self.available = needed, available
        super().__init__(
            ngettext(
                "%(needed)d points are needed, %(available)d point can be spent.",
                "%(needed)d points are needed, %(available)d points can be spent.",
                available,
            )
            % {"needed": needed, "available": available}
        )


class SpendingFrozen(InsufficientPoints):
    """Nobody spends at the moment: the shop has stopped it (rewards/freezes.py). Nothing was changed."""

    def __init__(self, *, needed: int) -> None:
        super().__init__(needed=needed, available=0)
        self.args = (_("Points and coupons cannot be spent at the moment. Nothing is lost, and earning goes on."),)


class SourceConflict(Exception):
    """The key of this cause was already used with another meaning; nothing was posted."""

    def __init__(self, *, source: str) -> None:
        self.source = source
        super().__init__(_("%(source)s was already booked with other contents.") % {"source": source})


class ReversalTooLarge(Exception):
    """More would be taken back than the transaction ever moved; nothing was posted."""

    def __init__(self, *, points: int, left: int) -> None:
        self.points, self.left = points, left
        super().__init__(
            _("%(points)d points cannot be taken back, only %(left)d are left.") % {"points": points, "left": left}
        )


class TooLateToReinstate(Exception):
    """The points expired longer ago than staff may bring back; nothing was posted."""

    def __init__(self, *, expired: PointTransaction) -> None:
        self.expired = expired
        super().__init__(
            ngettext(
                "Points can be brought back within %(days)d day after they expired.",
                "Points can be brought back within %(days)d days after they expired.",
                REINSTATE_DAYS,
            )
            % {"days": REINSTATE_DAYS}
        )
