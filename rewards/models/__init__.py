"""What customers get: points, tiers, rewards, coupons."""

from rewards.models.adjustment import AdjustmentRequest
from rewards.models.coupon import Coupon, CouponBatch, CouponUse
from rewards.models.coupon_event import CouponEvent, CouponHold
from rewards.models.coupon_job import CouponJob, PrintedCodes
from rewards.models.day import ProgrammeDay
from rewards.models.freeze import SpendingFreeze
from rewards.models.hold import PointHold
from rewards.models.membership import TierMembership
from rewards.models.order import RewardOrder
from rewards.models.plan import CouponPlan
from rewards.models.points import LotAllocation, PointBalance, PointLot, PointTransaction
from rewards.models.proof import BookProof
from rewards.models.referral import Referral, ReferralCode, ReferralOffer
from rewards.models.reward import Reward
from rewards.models.rule import CapUse, EarningRule, Tier
from rewards.models.stamps import StampBalance, StampCard
from rewards.models.stored_value import ValueAccount, ValueMovement
from rewards.models.surprise import Surprise, SurpriseGift, SurpriseMonth, SurpriseRest
from rewards.models.till import TillAction
from rewards.models.trial import Assignment, Trial
from rewards.models.vintage import CountedMonth, VintageMonth

__all__ = [
    "AdjustmentRequest",
    "Assignment",
    "BookProof",
    "CapUse",
    "CountedMonth",
    "Coupon",
    "CouponBatch",
    "CouponEvent",
    "CouponHold",
    "CouponJob",
    "CouponPlan",
    "CouponUse",
    "EarningRule",
    "LotAllocation",
    "PointBalance",
    "PointHold",
    "PointLot",
    "PointTransaction",
    "PrintedCodes",
    "ProgrammeDay",
    "Referral",
    "ReferralCode",
    "ReferralOffer",
    "Reward",
    "RewardOrder",
    "SpendingFreeze",
    "StampBalance",
    "StampCard",
    "Surprise",
    "SurpriseGift",
    "SurpriseMonth",
    "SurpriseRest",
    "Tier",
    "TierMembership",
    "TillAction",
    "Trial",
    "ValueAccount",
    "ValueMovement",
    "VintageMonth",
]
