"""Making a card of paper, or a membership begun at the till, one's own on the web.

Who claims shows two things: a code from their mailbox, and the code that they got at the till or a receipt of that card with its
amount. A card whose e-mail address was
ever verified, or that has a log-in, is never claimed: its owner signs in. Every answer but success is the same, tries are counted by
card and by network address, and spending waits for 72 hours, so that nobody gains by a card and a receipt that somebody lost.
"""

import datetime as dt

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from customers import addresses, announcements, claim_codes, joining, limits, notices, sign_in_limits
from customers.identifiers import normalise
from customers.limits import Limit
from customers.models import Customer, Identifier, Purchase
from customers.models.customer import CustomerQuerySet

PURPOSE = "claim"
RECEIPT_DAYS = 180
TRIES_A_DAY = 5  # wrong receipts for one card
DAY_SECONDS = 86_400


class ClaimRefused(Exception):
    """Nothing was claimed; the text says the same whatever the reason."""

    def __init__(self) -> None:
        super().__init__(
            _("These details do not belong together, or the card has an e-mail address already. Please look again, or ask at the till.")
        )  # fmt: skip


def claim(
    *,
    email: str,
    number: str,
    address: str,
    now: dt.datetime,
    code: str = "",
    receipt: str = "",
    total: int | None = None,
) -> Customer:
    """Give a card to whoever has verified an e-mail address and knows its code or one of its receipts, and return the customer.

    `number` is a member number, a card or a phone number, `code` what customers.claim_codes made, `total` what the receipt comes
    to in the minor unit, and `address` the network address. With a code no receipt is looked at. Raises ClaimRefused, and sign_in_limits.TooManyTries. Not inside a transaction: a try stays counted.
    """
    found: list[Customer] = []

    def is_right() -> bool:
        proven = _with_code(number, code, now) if code else _with_receipt(number, receipt, total, now)
        found.extend(proven)
        return len(found) == 1

    misses = Limit(f"claim:{normalise(kind='', value=number).upper()[:60]}", TRIES_A_DAY, DAY_SECONDS)
    try:
        if limits.take(Limit(f"claims:{address}", 60, 3600), reserve=misses):
            raise ClaimRefused
    except limits.LimitReached as reached:
        raise ClaimRefused from reached
    is_fine = False
    try:
        is_fine = sign_in_limits.look_at(account=f"claim:{email}", address=address, is_right=is_right, now=now)
    finally:
        limits.settle(misses, is_miss=not is_fine)
    if not is_fine:
        raise ClaimRefused
    return _give(found[0], email, now)


def _with_code(number: str, code: str, now: dt.datetime) -> list[Customer]:
    """Return the card that a number and the code from the till mean together."""
    return [one for one in _unowned(number)[:2] if claim_codes.is_right(one, code, now=now)]


def _with_receipt(number: str, receipt: str, total: int | None, now: dt.datetime) -> list[Customer]:
    """Return the card that a number, a receipt and its amount mean together, in one query whatever is wrong."""
    bought = Purchase.objects.filter(
        reference__iexact=receipt.strip(), occurred_at__gt=now - dt.timedelta(days=RECEIPT_DAYS)
    )
    bought = bought.annotate(paid=F("total") - F("discount")).filter(Q(total=total) | Q(paid=total))
    return list(_unowned(number).filter(pk__in=bought.values("customer"))[:2])


def _unowned(number: str) -> CustomerQuerySet:
    """Return the cards of a number that nobody signs in with and whose address nobody has verified."""
    text = normalise(kind="", value=number)
    phone = normalise(kind=Identifier.Kind.PHONE, value=number)
    by_number = Q(member_number__in={text, text.upper()})
    by_card = Q(identifiers__kind=Identifier.Kind.CARD, identifiers__normalised=text)
    by_phone = Q(identifiers__kind=Identifier.Kind.PHONE, identifiers__normalised=phone) if phone else Q(pk=None)
    owned = Identifier.objects.filter(kind=Identifier.Kind.EMAIL, verified_at__isnull=False)
    rows = Customer.objects.enrolled().filter(by_number | by_card | by_phone, user=None)
    return rows.exclude(pk__in=owned.values("customer")).distinct().order_by("pk")


def _give(customer: Customer, email: str, now: dt.datetime) -> Customer:
    with transaction.atomic():
        row = Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)
        emails = Identifier.objects.filter(kind=Identifier.Kind.EMAIL)
        address = normalise(kind=Identifier.Kind.EMAIL, value=email)
        is_owned = row.user_id is not None or emails.filter(customer=row, verified_at__isnull=False).exists()
        if is_owned or addresses.is_taken(customer=row, email=email):
            raise ClaimRefused  # somebody was quicker
        before = addresses.emails_of(row)
        emails.filter(customer=row).delete()
        Identifier.objects.create(
            customer=row, kind=Identifier.Kind.EMAIL, value=email, normalised=address, verified_at=now
        )
        addresses.note_change(customer=row, before=before, now=now)
        row.spending_held_until = now + addresses.HELD
        row.save(update_fields=["spending_held_until"])
        notices.queue([joining.welcome(row)], now=now)
        announcements.customer_changed(row, fields=["identifiers"], at=now)
    return row
