"""The admin of the rewards app."""

from rewards.admin.adjustments import AdjustmentRequestAdmin
from rewards.admin.books import BookProofAdmin
from rewards.admin.catalogue import RewardAdmin, TierAdmin
from rewards.admin.coupon_batches import CouponBatchAdmin
from rewards.admin.coupon_jobs import CouponJobAdmin
from rewards.admin.coupons import CouponAdmin, CouponUseAdmin
from rewards.admin.freezes import SpendingFreezeAdmin
from rewards.admin.imports import ImportJobAdmin
from rewards.admin.points import PointBalanceAdmin, PointHoldAdmin, PointLotAdmin, PointTransactionAdmin
from rewards.admin.referrals import ReferralAdmin, ReferralOfferAdmin
from rewards.admin.reward_orders import RewardOrderAdmin
from rewards.admin.rules import EarningRuleAdmin
from rewards.admin.stamps import StampBalanceAdmin, StampCardAdmin
from rewards.admin.stored_value import ValueAccountAdmin, ValueMovementAdmin
from rewards.admin.surprises import AssignmentAdmin, SurpriseAdmin, SurpriseGiftAdmin
from rewards.admin.tiers import TierMembershipAdmin
from rewards.admin.till import TillActionAdmin

__all__ = [
    "AdjustmentRequestAdmin",
    "AssignmentAdmin",
    "BookProofAdmin",
    "CouponAdmin",
    "CouponBatchAdmin",
    "CouponJobAdmin",
    "CouponUseAdmin",
    "EarningRuleAdmin",
    "ImportJobAdmin",
    "PointBalanceAdmin",
    "PointHoldAdmin",
    "PointLotAdmin",
    "PointTransactionAdmin",
    "ReferralAdmin",
    "ReferralOfferAdmin",
    "RewardAdmin",
    "RewardOrderAdmin",
    "SpendingFreezeAdmin",
    "StampBalanceAdmin",
    "StampCardAdmin",
    "SurpriseAdmin",
    "SurpriseGiftAdmin",
    "TierAdmin",
    "TierMembershipAdmin",
    "TillActionAdmin",
    "ValueAccountAdmin",
    "ValueMovementAdmin",
]
