"""A customer's stamp cards as they are drawn and told: circles, what is missing, what comes when the card is full, history."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, Min, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer
from rewards.models import EarningRule, PointLot, PointTransaction, StampBalance, StampCard
from rewards.models.points import Account, Kind

LINES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One card in front of its customer; `circles` says of each place whether it is stamped."""

    card: StampCard
    on_card: int
    debt: int
    expires_at: dt.datetime | None
    is_open: bool

    @property
    def shown(self) -> int:
        """The stamps that have a place on the card; more wait while its offer is closed."""
        return min(self.on_card, self.card.stamps_needed)

    @property
    def circles(self) -> list[bool]:
        """The places of the card, the stamped ones first."""
        return [place < self.shown for place in range(self.card.stamps_needed)]

    @property
    def missing(self) -> int:
        """How many stamps are to go."""
        return self.card.stamps_needed - self.shown

    @property
    def in_words(self) -> str:
        """How far the card is, for whoever does not see the circles, and for the till."""
        return ngettext(
            "%(stamps)d of %(needed)d stamp", "%(stamps)d of %(needed)d stamps", self.card.stamps_needed
        ) % {"stamps": self.shown, "needed": self.card.stamps_needed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One movement on a card, in words; `stamps` has a sign."""

    occurred_at: dt.datetime
    what: str
    stamps: str
    is_gain: bool


def sheets_of(*, customer: Customer) -> list[Sheet]:
    """Return the cards that give stamps now, or that the customer has something on, by name of the card."""
    rules = EarningRule.objects.live().filter(stamp_card=OuterRef("pk")).exclude(kind=EarningRule.Kind.CAP)
    started = StampBalance.objects.filter(~Q(active=0, debt=0), customer=customer, card=OuterRef("pk"))
    cards = (
        StampCard.objects.annotate(is_open=Exists(rules.order_by()))
        .filter(Q(is_open=True) | Exists(started))
        .select_related("batch")
        .order_by("code")
    )
    return _sheets(customer, list(cards))


def sheet_of(*, customer: Customer, number: int) -> Sheet | None:
    """Return one of the cards that `sheets_of` returns, None for any other."""
    return next((sheet for sheet in sheets_of(customer=customer) if sheet.card.pk == number), None)


def _sheets(customer: Customer, cards: list[StampCard]) -> list[Sheet]:
    if not cards:
        return []
    balances = {row.card_id: row for row in StampBalance.objects.filter(customer=customer)}
    lots = PointLot.all_currencies.filter(customer=customer, currency__in=[card.pk for card in cards], remaining__gt=0)
    ends = dict(lots.order_by().values_list("currency").annotate(first=Min("expires_at")))
    empty = StampBalance()
    return [
        Sheet(
            card=card, on_card=balances.get(card.pk, empty).active, debt=-balances.get(card.pk, empty).debt,
            expires_at=ends.get(card.pk), is_open=card.is_open,
        )
        for card in cards
    ]  # fmt: skip


def moves_of(*, customer: Customer, card: StampCard) -> list[Move]:
    """Return the newest movements on a card, the newest first."""
    rows = PointTransaction.all_currencies.filter(customer=customer, currency=card.pk).order_by("-sequence")
    return list(_moves(rows.exclude(kind=Kind.ACTIVATE)[:LINES]))


def _moves(rows: Iterable[PointTransaction]) -> Iterable[Move]:
    for row in rows:
        yield Move(
            occurred_at=row.occurred_at, what=_what(row), stamps=f"{row.signed:+d}".replace("-", "−"),
            is_gain=row.signed > 0,
        )  # fmt: skip


def _what(row: PointTransaction) -> str:
    match row.kind:
        case Kind.EARN:
            return _("With your purchase")
        case Kind.REDEEM:
            return _("Card full: a coupon for you")
        case Kind.EXPIRE:
            return _("Expired")
        case Kind.REVERSE if row.from_account == Account.REDEEMED:
            return _("Back from a coupon that was cancelled")
        case Kind.REVERSE:
            return _("For goods that you brought back")
    return _("Corrected by the shop")
