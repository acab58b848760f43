"""How the refusals of points, purchases and coupons read in the API."""

from django.utils.translation import gettext_lazy as _

from customers.api.problems import Refusal, add_refusals
from rewards.catalogue import OrderClosed, RewardRefused
from rewards.consequences import CouponChoiceNeeded
from rewards.holds import HoldClosed, HoldTooSmall
from rewards.ledger import InsufficientPoints, ReversalTooLarge, SourceConflict, SpendingFrozen
from rewards.redemption import KeyConflict
from rewards.returns import ReturnConflict, ReturnTooLarge
from rewards.sale import PaysTooMuch, ReceiptConflict
from rewards.transfers import TransferToSelf
from rewards.value_accounts import ValueRefused

KINDS = {
    "receipt_recorded": _("This receipt is recorded already"),
    "receipt_conflict": _("This receipt was recorded with other contents"),
    "return_recorded": _("This return is recorded already"),
    "return_conflict": _("This return was recorded with other contents"),
    "return_too_large": _("More would come back than the customer kept"),
    "coupon_choice_needed": _("Say whether the coupon comes back"),
    "pays_too_much": _("The points are worth more than there is to pay"),
    "insufficient_points": _("Not enough points"),
    "spending_frozen": _("Spending is stopped for the moment"),
    "hold_closed": _("These points are no longer on hold"),
    "hold_too_small": _("More would be spent than is on hold"),
    "transfer_to_self": _("Giver and receiver are the same customer"),
    "reward_refused": _("The customer cannot take this reward"),
    "order_closed": _("This reward is no longer open"),
    "value_refused": _("The gift card or store credit was not taken"),
    "already_booked": _("This was booked already with other contents"),
    "coupon_refused": _("The coupon cannot be used"),
}


def register() -> None:
    """Add them to the closed list."""
    add_refusals(
        KINDS,
        {
            ReceiptConflict: Refusal("receipt_conflict", lambda error: {"original_id": error.purchase.pk}),
            ReturnConflict: Refusal("return_conflict"),
            ReturnTooLarge: Refusal(
                "return_too_large", lambda error: {"position": error.line.position, "kept": error.kept}
            ),
            InsufficientPoints: Refusal(
                "insufficient_points", lambda error: {"needed": error.needed, "available": error.available}
            ),
            SpendingFrozen: Refusal("spending_frozen"),
            CouponChoiceNeeded: Refusal("coupon_choice_needed"),
            PaysTooMuch: Refusal("pays_too_much"),
            HoldClosed: Refusal("hold_closed", lambda error: {"state": error.hold.state}),
            HoldTooSmall: Refusal("hold_too_small", lambda error: {"on_hold": error.hold.points}),
            TransferToSelf: Refusal("transfer_to_self"),
            RewardRefused: Refusal("reward_refused", lambda error: {"reason": error.reason.value}),
            OrderClosed: Refusal("order_closed", lambda error: {"state": error.order.state}),
            ValueRefused: Refusal(
                "value_refused", lambda error: {"reason": error.reason.value, "available": error.available}
            ),
            SourceConflict: Refusal("already_booked"),
            KeyConflict: Refusal("already_booked"),
            ReversalTooLarge: Refusal("already_booked"),
        },
    )
