"""Finding what a request speaks of, as far as its key may see it."""

from collections.abc import Callable
from functools import cache

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import audit, finding
from customers.api.door import look_up
from customers.api.problems import invalid, not_found
from customers.identifiers import normalise
from customers.models import Customer, Identifier, Store
from customers.statements import Question


def customer_by_number(
    request: HttpRequest, member_number: str, *, pointer: str = "/member_number", also: str | None = None
) -> Customer:
    """Return the enrolled customer of a member number, with one related row if asked for; nobody is a miss."""
    rows = Customer.objects.enrolled().filter(member_number=member_number)
    if also is not None:
        rows = rows.select_related(also)

    def find() -> Customer | None:
        return rows.first() or by_old_number(member_number, also)

    return found_customer(request, find, pointer=pointer)


def by_old_number(member_number: str, also: str | None = None) -> Customer | None:
    """Return who has the number of a record that was merged into theirs: it is a card of theirs now."""
    cards = Identifier.objects.filter(kind=Identifier.Kind.CARD, normalised=member_number).values("customer")
    rows = Customer.objects.enrolled().filter(pk__in=cards, merges_into__duplicate__member_number=member_number)
    return (rows.select_related(also) if also else rows).first()


def seen_by_number(request: HttpRequest, member_number: str, *, pointer: str = "/member_number") -> Customer:
    """Return the customer of a member number whose history or purse is about to be told, and write the look down.

    Whether it is still the same look is asked along with the customer.
    """
    now, look = timezone.now(), {"action": audit.Action.VIEWED, "place": audit.Place.API, "api_key": request.auth}
    lately = Exists(audit.looks_lately(customer=OuterRef("pk"), now=now, by=None, **look))
    rows = Customer.objects.enrolled().filter(member_number=member_number).annotate(is_same_look=lately)
    customer = found_customer(request, lambda: rows.first() or by_old_number(member_number), pointer=pointer)
    if not getattr(customer, "is_same_look", False):
        audit.note_looks(customer_ids=[customer.pk], now=now, **look)
    return customer


def note_look(request: HttpRequest, customer: Customer, *, action: audit.Action = audit.Action.VIEWED) -> None:
    """Write down which program looked at a customer: the customer may ask. A bare balance is no look."""
    audit.note_looks(
        action=action, place=audit.Place.API, customer_ids=[customer.pk], api_key=request.auth, now=timezone.now()
    )


@cache
def numbered(vendor: str) -> Question[Customer]:
    """Return what reads the enrolled customer of a member number, to be asked together with something else."""
    return Question(Customer.objects.enrolled().filter(member_number=""))


def found_customer(
    request: HttpRequest, find: Callable[[], Customer | None], *, pointer: str = "/member_number"
) -> Customer:
    """Return the customer that was looked for by number; nobody is a miss."""
    return look_up(request, find, pointer=pointer, detail=_("No customer has this member number."))


def customer_by_contact(request: HttpRequest, *, kind: str, value: str) -> Customer:
    """Return the enrolled customer of an e-mail address or phone number; nobody is a miss."""
    normalised = normalise(kind=kind, value=value)
    owners = Identifier.objects.filter(kind=kind, normalised=normalised).values("customer")
    rows = Customer.objects.enrolled().filter(pk__in=owners)
    return look_up(request, rows.first, pointer=f"/{kind}", detail=_("No customer has this."))


def customer_by_code(request: HttpRequest, code: str) -> Customer:
    """Return the enrolled customer whose card or phone was scanned; nobody is a miss."""
    return look_up(
        request, lambda: finding.owner_of_code(code), pointer="/code", detail=_("This is no code of a member card.")
    )


def store_of(request: HttpRequest, code: str | None) -> Store:
    """Return the store that a request acts for: the key's own, or the named one if the key may act for any."""
    own = request.auth.store
    if own is not None:
        if code not in (None, own.code):
            raise not_found("/store", _("This key does not act for such a store."))
        return own
    if code is None:
        raise invalid("/store", _("Name the store: this key acts for several."))
    store = Store.objects.filter(code=code).first()
    if store is None:
        raise not_found("/store", _("No store has this code."))
    return store


def optional_store_of(request: HttpRequest, code: str | None) -> Store | None:
    """Return the store of a request that may go without one."""
    return store_of(request, code) if code is not None or request.auth.store_id else None


def till_of(request: HttpRequest, till: str | None) -> str:
    """Return the till that a request acts for: the key's own, or the named one."""
    own = request.auth.till
    if own and till not in (None, own):
        raise not_found("/till", _("This key does not act for such a till."))
    return own or till or ""
