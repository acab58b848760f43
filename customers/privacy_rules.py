"""What the models of this app and of the libraries behind log-in and admin know of customers (customers/privacy.py)."""

from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from customers import traces
from customers.privacy import about_customer, elsewhere, no_person, outside

_KEY = Cast("pk", CharField())

no_person("customers.Look customers.KeepingPeriod", because="what the merchant chose")
no_person("customers.Store customers.Category customers.Product", because="the shop and its goods")
no_person("customers.SavedFilter", because="conditions, not people")
no_person("customers.StandingNight", because="how good the forecasts are")
no_person("customers.ApiKey customers.WebhookEndpoint", because="other systems of the shop")
no_person("customers.BuyingMonth customers.CohortMonth", because="how many customers came back, month by month")
no_person("customers.Heartbeat", because="when a worker was last at work")
no_person("customers.StaffNotice", because="mails to staff, by keys and whole numbers")
no_person(
    "customers.RecommendationModel customers.ProductLinks", because="what all purchases together teach about products"
)
no_person(
    "customers.User_groups customers.User_user_permissions auth.Permission auth.Group auth.Group_permissions "
    "contenttypes.ContentType",
    because="what staff may do",
)

about_customer(
    "customers.Customer", link="pk", shown="time_zone",
    erased={
        "member_number": Concat(Value("erased-"), _KEY), "name": "", "name_folded": "", "birthday": None,
    },
)  # fmt: skip
about_customer("customers.Customer_preferred_categories", link="customer", is_deleted=True)
about_customer("customers.Customer_disliked_categories", link="customer", is_deleted=True)
about_customer(
    "customers.Identifier",
    link="customer",
    stays="moves with the person (customers/merging.py)",
    shown="value",
    withheld="normalised",
    is_deleted=True,
)
about_customer(
    "customers.Consent",
    link="customer",
    stays="what somebody said is never rewritten; a no of either wins by a new row (customers/merging.py)",
    shown="wording source",
)
about_customer(
    "customers.Notice",
    link="customer",
    stays="a mail was sent to that record; what waits is dropped, the kept record has its own",
    shown="kind source context",
    erased={"error": ""},
)
about_customer("customers.Purchase", link="customer", shown="till reference", withheld="digest")
about_customer("customers.PurchaseLine", link="purchase__customer")
about_customer("customers.Return", link="purchase__customer", shown="reference", erased={"reason": ""})
about_customer("customers.ReturnLine", link="return_of__purchase__customer")
about_customer("customers.FilterMember", link="customer", stays="counted anew the next night", is_deleted=True)
about_customer("customers.FilterEvent", link="customer", stays="counted anew the next night", is_deleted=True)
about_customer("customers.Standing", link="customer", stays="counted anew the next night", is_deleted=True)
about_customer(
    "customers.StandingChange", link="customer", stays="what the record was that day", shown="day_date", is_deleted=True
)
about_customer(
    "customers.TillPin", link="customer", stays="the kept record keeps its own PIN", withheld="digest", is_deleted=True
)
about_customer(
    "customers.MailedCode",
    link="customer",
    stays="works for five minutes, for that record",
    withheld="digest",
    is_deleted=True,
)
about_customer(
    "customers.RecommendationList", link="customer", stays="counted anew the next night", shown="items", is_deleted=True
)
about_customer(
    "customers.SpendingProof", link="customer", stays="works for a minute, for that record", shown="used_for", withheld="code_digest request_key"
)  # fmt: skip
about_customer(
    "customers.SignedInDevice", link="user__customer", shown="user_agent", withheld="session_key", is_deleted=True
)  # fmt: skip
about_customer(
    "customers.AuditEvent",
    link="customer",
    stays="who looked at which record is never rewritten; the customer sees those of both (customers/audit.py)",
    shown="role reason reference changes",
    withheld="network",
)
about_customer(
    "customers.DataExport", link="customer", stays="a file about that record, gone in a week", withheld="token"
)
about_customer("customers.Erasure", link="customer", stays="a wish about that record")
about_customer("customers.CustomerMerge", link="kept", withheld="moved")
about_customer("customers.WebhookEvent", link="customer", stays="was told of that record", shown="uid data")
about_customer("customers.WebhookDelivery", link="event__customer", shown="error")

# The log-in of a customer; staff with a card keep theirs (customers/erasure.py).
about_customer(
    "customers.User", link="customer", stays="moves with the person (customers/merging.py)", withheld="password",
    erased={"email": Concat(Value("erased-"), _KEY, Value("@erased.invalid")), "name": "", "password": "!"},
)  # fmt: skip
about_customer("account.EmailConfirmation", link="email_address__user__customer", withheld="key", is_deleted=True)
about_customer("account.EmailAddress", link="user__customer", shown="email", is_deleted=True)
about_customer("mfa.Authenticator", link="user__customer", withheld="data", is_deleted=True)

elsewhere("admin.LogEntry", because="names records as they were called that day", erase=traces.admin_log)
elsewhere("sessions.Session", because="holds who is signed in", erase=traces.sessions)
elsewhere("customers.ApiRequest", because="stored answers may name the customer they were about", erase=traces.answers)
outside("exports of personal data", erase=traces.exports)
elsewhere("customers.ImportJob", because="the file that was handed in lies on the disk", erase=traces.import_files)
