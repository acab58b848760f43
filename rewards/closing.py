"""What is open with a customer who is erased: it ends by entries in the books, and nothing is left that somebody could spend."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer, User
from customers.templatetags.loyalty import money, points
from rewards import catalogue, coupons, holds, postings, stored_value, surprise_gifts
from rewards.books import Books, Cause, open_books
from rewards.models import (
    AdjustmentRequest,
    Coupon,
    PointBalance,
    PointHold,
    RewardOrder,
    StampBalance,
    ValueAccount,
)
from rewards.models.points import POINTS, Account, Kind

REASON = "erasure"


@dataclass(frozen=True, slots=True)
class Open:
    """What a customer would lose: points (spendable, pending and held), coupons, gift cards and store credit in money."""

    points: int
    coupons: int
    rewards: int
    gift_cards: int
    store_credit: int

    @property
    def is_something(self) -> bool:
        """Whether there is anything to lose."""
        return any((self.points, self.coupons, self.rewards, self.gift_cards, self.store_credit))


def open_of(*, customer: Customer, now: dt.datetime) -> Open:
    """Return what is open with a customer."""
    balance = PointBalance.objects.filter(customer=customer).first() or PointBalance()
    value = ValueAccount.objects.filter(customer=customer)
    cards = value.filter(kind=ValueAccount.Kind.GIFT_CARD).aggregate(paid=Sum("paid"), given=Sum("promotional"))
    credit = value.filter(kind=ValueAccount.Kind.STORE_CREDIT).first()
    return Open(
        points=balance.active + balance.pending + balance.held,
        coupons=Coupon.objects.live(now).filter(customer=customer).count(),
        rewards=RewardOrder.objects.waiting().filter(customer=customer).count(),
        gift_cards=(cards["paid"] or 0) + (cards["given"] or 0),
        store_credit=credit.balance if credit else 0,
    )


def warnings(*, customer: Customer, now: dt.datetime) -> list[str]:
    """Return what a customer would lose, and what goes on without their name."""
    it, found = open_of(customer=customer, now=now), []
    if it.points:
        count = {"points": points(it.points)}
        found.append(ngettext("%(points)s point ends.", "%(points)s points end.", it.points) % count)
    if it.coupons:
        count = {"count": it.coupons}
        found.append(ngettext("%(count)d coupon ends.", "%(count)d coupons end.", it.coupons) % count)
    if it.rewards:
        count = {"count": it.rewards}
        found.append(
            ngettext("%(count)d reward is not picked up.", "%(count)d rewards are not picked up.", it.rewards) % count
        )
    if it.store_credit:
        found.append(_("Your store credit of %(amount)s ends.") % {"amount": money(it.store_credit)})
    if it.gift_cards:
        sentence = _("Your gift cards with %(amount)s go on for whoever has their codes: write the codes down first.")
        found.append(sentence % {"amount": money(it.gift_cards)})
    return found


def close(*, customer: Customer, by: User | None, now: dt.datetime) -> None:
    """Settle what is open: rewards and surprises are cancelled, coupons void, points and store credit written off, gift cards let go.

    A gift card is money of whoever holds its code: the erasure takes its owner away, and it goes on (privacy_rules.py).
    Again changes nothing.
    """
    with open_books([customer.pk]):
        pass  # the customer's lock, before any other
    for order in RewardOrder.objects.waiting().filter(customer=customer).order_by("pk"):
        catalogue.cancel(order=order, now=now, because=RewardOrder.Ending.CUSTOMER)
    surprise_gifts.cancel_open(customer=customer, by=by, now=now)
    for hold in PointHold.objects.filter(customer=customer, state=PointHold.State.OPEN).order_by("pk"):
        holds.release(hold=hold, occurred_at=now)
    for coupon in Coupon.objects.live(now).filter(customer=customer).order_by("batch", "pk"):
        coupons.void(coupon=coupon, reason=REASON, now=now, by=by)
    write_off(customer_id=customer.pk, by=by, now=now)
    for card in StampBalance.objects.filter(customer=customer).order_by("card").values_list("card", flat=True):
        write_off(customer_id=customer.pk, by=by, now=now, currency=card)
    pending = AdjustmentRequest.objects.filter(customer=customer, state=AdjustmentRequest.State.PENDING)
    pending.update(state=AdjustmentRequest.State.LAPSED, decided_at=now)
    for account in ValueAccount.objects.filter(customer=customer).order_by("pk"):
        if account.kind == ValueAccount.Kind.STORE_CREDIT:
            stored_value.write_off(account=account, reason=REASON, by=by, now=now)


def write_off(*, customer_id: int, by: User | None, now: dt.datetime, currency: int = POINTS) -> int:
    """Write off what a customer has and owes in one currency and return how many rows that took; again changes nothing."""
    with open_books([customer_id], with_lots=True, currency=currency) as books:
        postings.settle(books, customer_id, now)
        before = books.posted
        source = f"{REASON}:{customer_id}:{currency}:{books.balances[customer_id].sequence}"
        _write_off(books, customer_id, Cause(source=source, occurred_at=now, by_id=by and by.pk, reason=REASON))
        return books.posted - before


def _write_off(books: Books, customer_id: int, cause: Cause) -> None:
    balance = books.balances[customer_id]
    for account in (Account.PENDING, Account.ACTIVE):
        lots = [
            lot
            for lot in books.lots[customer_id]
            if lot.remaining and (lot.activated_at is None) is (account == Account.PENDING)
        ]
        if left := sum(lot.remaining for lot in lots):
            row = books.post(customer_id, Kind.WRITE_OFF, account, Account.WRITTEN_OFF, left, cause)
            books.draw(customer_id, row, left, lots)
    if balance.debt:
        books.post(customer_id, Kind.WRITE_OFF, Account.WRITTEN_OFF, Account.DEBT, -balance.debt, cause)
