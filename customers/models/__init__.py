"""Who the customers are and what they bought."""

from customers.models.api_key import ApiKey, ApiRequest
from customers.models.audit import AuditEvent
from customers.models.customer import Consent, Customer, Identifier
from customers.models.device import SignedInDevice
from customers.models.heartbeat import Heartbeat
from customers.models.import_job import ImportJob
from customers.models.insight import BuyingMonth, CohortMonth
from customers.models.keeping import KeepingPeriod
from customers.models.look import Look
from customers.models.merge import CustomerMerge
from customers.models.notice import Notice
from customers.models.privacy import DataExport, Erasure
from customers.models.product import Category, Product
from customers.models.purchase import Purchase, PurchaseLine, Return, ReturnLine
from customers.models.recommendation import ProductLinks, RecommendationList, RecommendationModel
from customers.models.saved_filter import FilterEvent, FilterMember, SavedFilter
from customers.models.spending import MailedCode, SpendingProof, TillPin
from customers.models.staff_notice import StaffNotice
from customers.models.standing import Standing, StandingChange, StandingNight
from customers.models.store import Store
from customers.models.user import User
from customers.models.webhook import WebhookDelivery, WebhookEndpoint, WebhookEvent

__all__ = [
    "ApiKey",
    "ApiRequest",
    "AuditEvent",
    "BuyingMonth",
    "Category",
    "CohortMonth",
    "Consent",
    "Customer",
    "CustomerMerge",
    "DataExport",
    "Erasure",
    "FilterEvent",
    "FilterMember",
    "Heartbeat",
    "Identifier",
    "ImportJob",
    "KeepingPeriod",
    "Look",
    "MailedCode",
    "Notice",
    "Product",
    "ProductLinks",
    "Purchase",
    "PurchaseLine",
    "RecommendationList",
    "RecommendationModel",
    "Return",
    "ReturnLine",
    "SavedFilter",
    "SignedInDevice",
    "SpendingProof",
    "StaffNotice",
    "Standing",
    "StandingChange",
    "StandingNight",
    "Store",
    "TillPin",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
