"""The four roles of staff and what each may do. Limits on amounts live in the domain functions, not here.

Everybody works through groups; `manage.py set_up_roles` brings them to what stands here, whatever was clicked before.
"""

from collections.abc import Iterator

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import timezone

from customers import doors
from customers.models import Customer
from rewards.models import AdjustmentRequest, Coupon, CouponBatch, Referral, Surprise, TierMembership, TillAction
from surveys.models import Campaign, Response

# What Django does not know by itself: model, codename, words.
OWN_PERMISSIONS = [
    (CouponBatch, "activate_couponbatch", "Can activate and close coupon batches"),
    (Coupon, "export_coupon", "Can hand out the codes of coupons as a file"),
    (AdjustmentRequest, "approve_adjustmentrequest", "Can approve the adjustments of others"),
    (TierMembership, "grant_tiermembership", "Can grant tiers and take them back"),
    (Customer, "export_customer", "Can export what the portal knows of a customer"),
    (Customer, "erase_customer", "Can erase a customer"),
    (Customer, "merge_customer", "Can merge two records of one customer, and undo it"),
    (Referral, "decide_referral", "Can decide about friends that are held"),
    (Surprise, "activate_surprise", "Can approve and stop the surprises of others"),
    (Surprise, "export_surprise", "Can export the customers of a surprise row by row, without names"),
    (Campaign, "release_campaign", "Can release campaigns to many recipients"),
    (Response, "export_response", "Can export answers to surveys"),
    (TillAction, "use_tillaction", "Can work at the till"),
    (TillAction, "undo_tillaction", "Can take back and undo what any till did on any day"),
]

SHOP = "customers.store customers.category customers.product"
PROGRAMME = "rewards.earningrule rewards.stampcard rewards.tier rewards.reward rewards.referraloffer"
BOOKS = "rewards.pointtransaction rewards.pointlot rewards.lotallocation rewards.pointbalance rewards.stampbalance rewards.pointhold rewards.bookproof rewards.tillaction rewards.tiermembership rewards.referral customers.spendingproof rewards.spendingfreeze"
RECEIPTS = "customers.purchase customers.purchaseline customers.return customers.returnline"
COUPONS = "rewards.couponbatch rewards.coupon rewards.couponuse rewards.couponjob rewards.rewardorder"
GIVING = "rewards.surprise rewards.surprisegift rewards.assignment"
VALUE = "rewards.valueaccount rewards.valuemovement"
PEOPLE = "customers.customer customers.identifier customers.consent customers.notice"
ASKING = "surveys.survey surveys.surveyversion surveys.question surveys.campaign surveys.surveylink surveys.chatgroup surveys.chatpost"
SENDING = "surveys.run surveys.invitation surveys.message surveys.deliveryevent surveys.suppression surveys.mailaccount surveys.mailpolicy surveys.gateway"
THANKING = "surveys.rewardgrant"
HEARING = "surveys.response surveys.answer surveys.theme"
SORTING = "surveys.theme surveys.verbatimtag surveys.savedfilter"
TELLING = "customers.webhookendpoint customers.webhookevent customers.webhookdelivery"
INSIGHTS = "customers.buyingmonth rewards.vintagemonth"
LEARNING = "customers.recommendationmodel customers.savedfilter"
TRAIL = "customers.auditevent customers.dataexport customers.erasure"
CARING = "surveys.case surveys.contactlogentry surveys.caserule"

# Role -> what may be done with which models. A manager has all that the others have, and so can give these roles.
ROLES: dict[str, dict[str, str]] = {
    "cashier": {
        "view": f"{SHOP} {PROGRAMME} {PEOPLE} {RECEIPTS} {COUPONS} {VALUE} rewards.pointbalance rewards.stampbalance "
        "rewards.adjustmentrequest",
        "add": f"customers.purchase customers.return rewards.pointtransaction {VALUE}",
        "change": "rewards.rewardorder",
        "use": "rewards.tillaction",
    },
    "marketer": {
        "view": f"{SHOP} {PROGRAMME} {COUPONS} {GIVING} {LEARNING} {INSIGHTS} {ASKING} surveys.run surveys.message customers.look {HEARING}",
        "add": f"customers.savedfilter rewards.couponbatch rewards.coupon rewards.reward rewards.surprise {ASKING} {SORTING}",
        "change": f"customers.savedfilter rewards.couponbatch rewards.reward rewards.surprise surveys.run {ASKING} {SORTING}",
        "delete": "surveys.question",
        "export": "surveys.response",
    },
    "manager": {
        "view": f"{SHOP} {PROGRAMME} {BOOKS} {RECEIPTS} {COUPONS} {GIVING} {LEARNING} {INSIGHTS} {VALUE} {PEOPLE} {ASKING} {SENDING} {HEARING} {CARING} {THANKING} "
        f"{TELLING} {TRAIL} customers.customermerge customers.look customers.user customers.importjob customers.apikey auth.group rewards.adjustmentrequest customers.staffnotice",
        "add": f"{SHOP} {PROGRAMME} {ASKING} {SORTING} {CARING} surveys.response {RECEIPTS} {VALUE} customers.customer customers.identifier customers.user "
        "customers.importjob customers.savedfilter rewards.pointtransaction rewards.couponbatch rewards.coupon rewards.surprise rewards.spendingfreeze rewards.bookproof surveys.suppression surveys.mailaccount surveys.mailpolicy surveys.gateway",
        "change": f"{SHOP} {PROGRAMME} {ASKING} {SORTING} {CARING} {THANKING} customers.look customers.customer customers.identifier customers.user "
        "customers.savedfilter rewards.couponbatch rewards.coupon rewards.surprise rewards.rewardorder rewards.valueaccount surveys.run surveys.mailaccount surveys.mailpolicy surveys.gateway customers.apikey customers.webhookendpoint",
        "delete": f"{PROGRAMME} customers.category customers.product customers.identifier rewards.couponbatch rewards.surprise "
        "surveys.question surveys.mailpolicy",
        "erase": "customers.customer",
        "merge": "customers.customer",
        "activate": "rewards.couponbatch rewards.surprise",
        "release": "surveys.campaign",
        "grant": "rewards.tiermembership",
        "decide": "rewards.referral",
        "export": "customers.customer rewards.coupon rewards.surprise surveys.response",
        "use": "rewards.tillaction",
        "undo": "rewards.tillaction",
        "approve": "rewards.adjustmentrequest",
    },
    "auditor": {
        "view": f"{SHOP} {PROGRAMME} {BOOKS} {RECEIPTS} {COUPONS} {GIVING} {LEARNING} {INSIGHTS} {VALUE} {TRAIL} customers.user customers.staffnotice rewards.adjustmentrequest",
        "add": "rewards.bookproof",
        "export": "rewards.surprise",
    },
}  # fmt: skip


def ensure_roles() -> dict[str, Group]:
    """Make the four groups, or bring them back to what stands here, and return them by name; again changes nothing."""
    groups = {}
    with transaction.atomic():
        for model, codename, name in OWN_PERMISSIONS:
            kind = ContentType.objects.get_for_model(model)
            Permission.objects.get_or_create(content_type=kind, codename=codename, defaults={"name": name})
        for role in ROLES:
            groups[role], is_new = Group.objects.get_or_create(name=role)
            before = doors.permissions_of(groups[role])
            groups[role].permissions.set(_permissions(role))
            if not is_new:
                doors.role_changed(role=groups[role], before=before, by=None, now=timezone.now())
    return groups


def permission_names(role: str) -> Iterator[str]:
    """Give the names of what a role may do, such as rewards.add_coupon."""
    for verb, models in ROLES[role].items():
        for label in models.split():
            app, model = label.split(".")
            yield f"{app}.{verb}_{model}"


def _permissions(role: str) -> list[Permission]:
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    return [known[name] for name in permission_names(role)]
