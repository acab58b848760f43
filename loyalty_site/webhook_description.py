"""The webhooks described: what stands in each event's `data`, for the OpenAPI document, its page, and the tests that hold it true."""

from typing import Any

from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from customers.models.webhook import EventType

MEMBER = ("member_number", "string", gettext_noop("Whose it is; left out where it is nobody's in particular."))
WHOLE, TEXT, OBJECT, MAYBE = "integer", "string", "object", ["integer", "null"]
COUPON = [
    ("coupon", MAYBE, gettext_noop("Key of the coupon; null where the event tells of many.")),
    ("batch", WHOLE, gettext_noop("Key of its offer.")),
]
COUNT = ("count", WHOLE, gettext_noop("How many coupons the event tells of."))
USE = [
    MEMBER,
    *COUPON,
    ("use", WHOLE, gettext_noop("Key of the use.")),
    ("purchase", MAYBE, gettext_noop("Key of the purchase, where it is known.")),
    ("discount", WHOLE, gettext_noop("In the currency's minor unit.")),
]
PURCHASE = ("purchase", WHOLE, gettext_noop("Key of the purchase; `id` in the API."))
REFERENCE = ("reference", TEXT, gettext_noop("The number on the receipt."))
# Event -> its fields: name, JSON type, what it means. Whole numbers and keys; who may know more asks the API.
FIELDS: dict[EventType, list[tuple[str, Any, str]]] = {
    EventType.CUSTOMER_ENROLLED: [
        MEMBER,
        ("source", TEXT, gettext_noop("Where they were enrolled, such as `api:…` or `admin`.")),
    ],
    EventType.CUSTOMER_CHANGED: [
        MEMBER,
        ("fields", "array", gettext_noop("Names of the fields; what stands in them now, the API says.")),
    ],
    EventType.PURCHASE_RECORDED: [
        MEMBER, PURCHASE,
        ("store", TEXT, gettext_noop("Code of the store.")),
        ("till", TEXT, gettext_noop("Empty where there is none.")),
        REFERENCE,
        ("total", WHOLE, gettext_noop("Sum of the lines, in the currency's minor unit.")),
        ("discount", WHOLE, gettext_noop("Taken off the whole receipt, coupons included.")),
        ("paid_by_points", WHOLE, gettext_noop("The part that was paid with points, in money.")),
    ],
    EventType.PURCHASE_RETURNED: [
        MEMBER, PURCHASE,
        ("return", WHOLE, gettext_noop("Key of the return.")),
        ("reference", TEXT, gettext_noop("The number of the return.")),
        ("total", WHOLE, gettext_noop("What came back, in the currency's minor unit.")),
    ],
    EventType.POINTS_CHANGED: [
        MEMBER,
        ("transaction", WHOLE, gettext_noop("Key of the movement.")),
        ("sequence", WHOLE, gettext_noop("1 is the customer's first movement; there are no gaps.")),
        ("kind", TEXT, gettext_noop("Such as `earn`, `redeem`, `expire`, `adjust`.")),
        ("points", WHOLE, gettext_noop("Above 0 what comes in, below 0 what goes out; 0 moves within.")),
        ("moved", WHOLE, gettext_noop("How many points moved, always above 0.")),
        ("from_account", TEXT, gettext_noop("Where they came from.")),
        ("to_account", TEXT, gettext_noop("Where they went.")),
        ("source", TEXT, gettext_noop("Key of the cause, such as `purchase:1042`.")),
        ("balance", OBJECT, gettext_noop("`pending`, `active`, `held` and `debt` after it.")),
    ],
    EventType.COUPON_ISSUED: [MEMBER, *COUPON, COUNT],
    EventType.COUPON_REDEEMED: USE,
    EventType.COUPON_RETURNED: USE,
    EventType.COUPON_VOIDED: [MEMBER, *COUPON, COUNT],
    EventType.TIER_CHANGED: [
        MEMBER,
        ("tier", MAYBE, gettext_noop("Key of the tier; null where everybody starts, if that has no name.")),
        ("rank", WHOLE, gettext_noop("0 is where everybody starts.")),
        ("reason", TEXT, gettext_noop("`reached`, `granted`, `stepped_down`, `refunded` or `withdrawn`.")),
    ],
    EventType.IMPORT_FINISHED: [
        ("import", MAYBE, gettext_noop("Key of the import; null where a command did it.")),
        ("kind", TEXT, gettext_noop("`customers` or `purchases`.")),
        ("counts", OBJECT, gettext_noop("What was done, by name.")),
        ("bad_lines", WHOLE, gettext_noop("How many lines were left out.")),
    ],
}  # fmt: skip
HEADERS = {
    "webhook-id": gettext_noop("Names the message, the same at every attempt: do not act on it twice."),
    "webhook-timestamp": gettext_noop("Seconds since 1970; refuse what is older or newer than five minutes."),
    "webhook-signature": gettext_noop("`v1,` and base64 of the HMAC-SHA256 over id, timestamp and body; several while a secret is changed."),
}  # fmt: skip


def describe() -> dict[str, Any]:
    """Return the `webhooks` of the OpenAPI document."""
    with translation.override("en"):
        return {kind.value: {"post": _operation(kind)} for kind in EventType}


def events() -> list[dict[str, Any]]:
    """Return the events with their fields, for the page."""
    return [
        {
            "name": kind.value,
            "about": kind.label,
            "fields": [
                {
                    "name": name, "is_required": True, "kind": " / ".join(one if isinstance(one, list) else [one]),
                    "format": "", "choices": [], "bounds": "", "description": gettext(about), "example": "",
                }
                for name, one, about in FIELDS[kind]
            ],
        }
        for kind in EventType
    ]  # fmt: skip


def data_schema(kind: EventType) -> dict[str, Any]:
    """Return the schema of an event's data."""
    return {
        "type": "object",
        "required": [name for name, _kind, _about in FIELDS[kind] if name != MEMBER[0]],
        "properties": {name: {"type": one, "description": about} for name, one, about in FIELDS[kind]},
        "additionalProperties": False,
    }


def _operation(kind: EventType) -> dict[str, Any]:
    body = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": kind.value},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": data_schema(kind),
        },
    }
    return {
        "operationId": kind.value.replace(".", "_"),
        "summary": str(kind.label),
        "tags": ["webhooks"],
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": about}
            for name, about in HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "2XX": {"description": "Taken."},
            "410": {"description": "Never call again: the endpoint is disabled."},
            "default": {"description": "Tried again later, ten times within three days."},
        },
    }
