"""The customers' operations: find one, read one, enrol one. There is no list, and no search but by an exact value."""

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_noop
from ninja import Path, Router

from customers import audit, enrolment
from customers.api.door import operation
from customers.api.fields import MemberNumber
from customers.api.lookups import (
    customer_by_code,
    customer_by_contact,
    customer_by_number,
    note_look,
    optional_store_of,
)
from customers.api.schemas import (
    ConsentOut,
    Contacts,
    CustomerOut,
    EnrolCustomer,
    Enrolled,
    FindCustomer,
    RecommendationOut,
    Recommendations,
)
from customers.enrolment import Word
from customers.models import Customer, Identifier
from customers.models.api_key import Scope
from customers.recommendations import choices

router = Router(tags=["customers"])
RECOMMENDED = 12  # of each kind


@operation(
    router,
    "POST",
    "/customers/find",
    scope=Scope.CUSTOMERS_READ,
    answer=CustomerOut,
    summary=gettext_noop("Find a customer by member number, e-mail, phone or a scanned code."),
    about=gettext_noop(
        "The value stands in the body, so that no address ends up in a log. 20 searches without a result within 5 minutes stop the key's searches."
    ),
)
def find_customer(request: HttpRequest, body: FindCustomer) -> CustomerOut:
    if body.member_number is not None:
        return _seen(request, customer_by_number(request, body.member_number, also="home_store"))
    if body.code is not None:
        return _seen(request, customer_by_code(request, body.code))
    kind = Identifier.Kind.EMAIL if body.email is not None else Identifier.Kind.PHONE
    return _seen(request, customer_by_contact(request, kind=kind, value=body.email or body.phone))


@operation(
    router,
    "GET",
    "/customers/{member_number}",
    scope=Scope.CUSTOMERS_READ,
    answer=CustomerOut,
    summary=gettext_noop("Read a customer, without addresses."),
)
def get_customer(request: HttpRequest, member_number: Path[MemberNumber]) -> CustomerOut:
    return _seen(request, customer_by_number(request, member_number, also="home_store"))


@operation(
    router,
    "GET",
    "/customers/{member_number}/contacts",
    scope=Scope.CUSTOMERS_CONTACTS,
    answer=Contacts,
    summary=gettext_noop("Read how to reach a customer, and what they agreed to."),
)
def get_contacts(request: HttpRequest, member_number: Path[MemberNumber]) -> Contacts:
    customer = customer_by_number(request, member_number)
    note_look(request, customer, action=audit.Action.CONTACTS)
    values = dict(customer.identifiers.order_by("-pk").values_list("kind", "value"))
    latest = {(word.channel, word.purpose): word for word in customer.consents.order_by("pk")}
    return Contacts(
        member_number=customer.member_number,
        email=values.get(Identifier.Kind.EMAIL),
        phone=values.get(Identifier.Kind.PHONE),
        birthday=customer.birthday,
        consents=[
            ConsentOut(
                channel=word.channel, purpose=word.purpose, is_granted=word.is_granted, wording=word.wording,
                occurred_at=word.occurred_at,
            )
            for word in latest.values()
        ],
    )  # fmt: skip


@operation(
    router,
    "GET",
    "/customers/{member_number}/recommendations",
    scope=Scope.RECOMMENDATIONS_READ,
    answer=Recommendations,
    summary=gettext_noop("Read what to recommend to a customer, each product with its reason."),
    about=gettext_noop(
        "At most 24, of which 12 were bought before. Never what is out of stock, retired or of a sensitive category; a customer who switched personalisation off gets what most customers buy. Empty until the first night's work is done."
    ),
)
def get_recommendations(request: HttpRequest, member_number: Path[MemberNumber]) -> Recommendations:
    customer = customer_by_number(request, member_number)
    note_look(request, customer)
    again, new = choices.both(customer=customer, now=timezone.now(), each=RECOMMENDED)
    return Recommendations(
        member_number=customer.member_number,
        is_personalised=customer.is_personalised,
        recommendations=[
            RecommendationOut(
                sku=choice.product.sku, name=choice.product.name, kind=choice.kind.value, reason=choice.reason,
                category=choice.product.category and choice.product.category.code, price=choice.product.price,
            )
            for choice in [*again, *new]
        ],
    )  # fmt: skip


@operation(
    router,
    "POST",
    "/customers",
    scope=Scope.CUSTOMERS_WRITE,
    answer=Enrolled,
    status=201,
    summary=gettext_noop("Enrol a customer."),
    about=gettext_noop(
        "A consent is kept with the key and version of the sentence that was shown. Whoever is enrolled already is refused with `customer_exists`."
    ),
)
def enrol_customer(request: HttpRequest, body: EnrolCustomer) -> Enrolled:
    customer = enrolment.enrol(
        name=body.name,
        email=body.email or "",
        phone=body.phone or "",
        language=body.language or "",
        birthday=body.birthday,
        home_store=optional_store_of(request, body.store),
        member_number=body.member_number or "",
        words=[Word(word.channel, word.purpose, word.is_granted, word.wording) for word in body.consents],
        source=f"api:{request.auth.client}",
        now=timezone.now(),
    )
    return Enrolled(member_number=customer.member_number, enrolled_at=customer.enrolled_at)


def _seen(request: HttpRequest, customer: Customer) -> CustomerOut:
    """Answer with a customer, and write down which program looked: the customer may ask."""
    note_look(request, customer)
    return _customer(customer)


def _customer(customer: Customer) -> CustomerOut:
    store = customer.home_store
    return CustomerOut(
        member_number=customer.member_number, name=customer.name, language=customer.language or None,
        home_store=store and store.code, enrolled_at=customer.enrolled_at,
    )  # fmt: skip
