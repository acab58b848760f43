"""What the models of this app know of customers (customers/privacy.py)."""

from django.db.models import Case, F, Q, Value, When

from customers.privacy import about_customer, closing, no_person
from rewards import closing as closes

no_person(
    "rewards.CouponBatch rewards.CouponJob rewards.CouponPlan rewards.PrintedCodes rewards.Reward rewards.EarningRule "
    "rewards.Tier rewards.StampCard rewards.ReferralOffer",
    because="offers and rules; lists of customers in them are bare keys",
)
no_person(
    "rewards.Surprise rewards.SurpriseMonth rewards.Trial",
    because="gifts and rules in the words of staff; whoever was drawn has rows of their own",
)
no_person("rewards.CountedMonth rewards.VintageMonth", because="sums of points of all customers, month by month")
no_person("rewards.ProgrammeDay rewards.SpendingFreeze rewards.BookProof", because="the programme as a whole")

about_customer(
    "rewards.PointTransaction", link="customer", stays="the books are never rewritten; what is left moves by transfers (rewards/merging.py)", shown="source reason", withheld="mac",
    # What explains an award is rules and figures, and a later return needs it; behind an adjustment staff write freely.
    erased={"note": "", "explanation": Case(When(~Q(kind="adjust"), then=F("explanation")))},
)  # fmt: skip
about_customer(
    "rewards.PointLot",
    link="customer",
    stays="what is left of a lot moves by a transfer and keeps its days (rewards/merging.py)",
)
about_customer("rewards.LotAllocation", link="transaction__customer")
about_customer("rewards.PointBalance", link="customer", stays="a sum of the books of one record", withheld="mac")
about_customer("rewards.StampBalance", link="customer", stays="a sum of the books of one record", withheld="mac")
about_customer(
    "rewards.PointHold",
    link="customer",
    stays="its points follow when the hold ends (rewards/merging.py)",
    shown="source",
)
about_customer(
    "rewards.CapUse",
    link="customer",
    stays="what a cap counted on a day is that of the record that earned it",
    shown="key period_date",
)
about_customer(
    "rewards.TierMembership",
    link="customer",
    stays="the higher one moves (rewards/belongings.py)",
    erased={"note": "", "end_note": ""},
)
about_customer(
    "rewards.AdjustmentRequest", link="customer", erased={"note": "", "staff_note": "", "answer": ""}
)  # fmt: skip

about_customer(
    "rewards.Coupon", link="customer", shown="code_tail text source", erased={"void_reason": ""},
    withheld="code_sealed reservation_key",
)  # fmt: skip
about_customer("rewards.CouponUse", link="customer", withheld="request_key return_key")
about_customer("rewards.CouponEvent", link="coupon__customer", erased={"note": ""})
about_customer("rewards.CouponHold", link="customer", withheld="key basket_digest")
about_customer(
    "rewards.RewardOrder",
    link="customer",
    stays="moves with a place of its own (rewards/belongings.py)",
    shown="source code_tail",
    erased={"note": ""},
    withheld="code_sealed",
)
about_customer(
    "rewards.ValueAccount", link="customer", stays="gift cards move, store credit by movements (rewards/belongings.py)", shown="code_tail", withheld="code_sealed mac",
    erased={
        "block_reason": Case(When(state="blocked", then=Value("–")), default=Value("")),
        # A gift card is money of whoever holds its code, and goes on without a name.
        "customer": Case(When(kind="gift_card", then=None), default=F("customer_id")),
    },
)  # fmt: skip
about_customer(
    "rewards.ValueMovement", link="account__customer", shown="source reason", erased={"note": ""}, withheld="mac"
)
about_customer(
    "rewards.TillAction",
    link="customer",
    stays="who stood at the till that day is history; its purchase follows, and an undo looks there",
    shown="till source",
)

# A reason may hold a birthday; without it the row still counts in its trial.
about_customer(
    "rewards.Assignment",
    link="customer",
    stays="moves with the next number of its trial (rewards/merged_trials.py)",
    shown="key",
    erased={"reason": {}},
)
about_customer("rewards.SurpriseGift", link="customer", shown="month_date", erased={"note": ""})
about_customer("rewards.SurpriseRest", link="customer", stays="the longer one stands (rewards/merged_trials.py)")

# The friend's row: digests of an address and a device are made empty, so that nothing can be compared any more.
about_customer(
    "rewards.Referral", link="friend", shown="doubts", erased={"address_digest": "", "device_digest": ""}
)  # fmt: skip
about_customer(
    "rewards.ReferralCode",
    link="customer",
    stays="moves where the kept record has none; a second one leads to it (rewards/merged_friends.py)",
    is_deleted=True,
    shown="code",
    withheld="device_digest",
)

closing("rewards", close=closes.close, warn=closes.warnings)
