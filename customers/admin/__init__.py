"""The admin of the customers app."""

from customers.admin.api import ApiKeyAdmin
from customers.admin.customer import CustomerAdmin
from customers.admin.keeping import ErasureAdmin
from customers.admin.look import LookAdmin
from customers.admin.notices import NoticeAdmin
from customers.admin.privacy import AuditEventAdmin, CustomerMergeAdmin, DataExportAdmin
from customers.admin.purchases import ConsentAdmin, PurchaseAdmin, PurchaseLineAdmin, ReturnAdmin
from customers.admin.recommendations import RecommendationModelAdmin
from customers.admin.segments import SavedFilterAdmin
from customers.admin.shop import CategoryAdmin, ProductAdmin, StoreAdmin
from customers.admin.spending import SpendingProofAdmin
from customers.admin.staff import StaffAdmin
from customers.admin.staff_notices import StaffNoticeAdmin
from customers.admin.webhook_history import WebhookDeliveryAdmin, WebhookEventAdmin
from customers.admin.webhooks import WebhookEndpointAdmin

__all__ = [
    "ApiKeyAdmin",
    "AuditEventAdmin",
    "CategoryAdmin",
    "ConsentAdmin",
    "CustomerAdmin",
    "CustomerMergeAdmin",
    "DataExportAdmin",
    "ErasureAdmin",
    "LookAdmin",
    "NoticeAdmin",
    "ProductAdmin",
    "PurchaseAdmin",
    "PurchaseLineAdmin",
    "RecommendationModelAdmin",
    "ReturnAdmin",
    "SavedFilterAdmin",
    "SpendingProofAdmin",
    "StaffAdmin",
    "StaffNoticeAdmin",
    "StoreAdmin",
    "WebhookDeliveryAdmin",
    "WebhookEndpointAdmin",
    "WebhookEventAdmin",
]
