"""The sale as it stands on the page: its lines, coupons, cards and points, and what they come to."""

import datetime as dt
import uuid
from dataclasses import dataclass, field

from django.core import signing
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from customers.models import Customer, Product
from rewards import coupon_baskets, coupon_offers, open_amounts, till_quotes
from rewards.coupon_offers import WITHOUT_SALE, Offer
from rewards.coupons import CouponRefused
from rewards.models import Coupon, ValueAccount
from rewards.sale import SoldLine
from rewards.till import wallet
from rewards.till.forms import LineForm, SaleForm
from rewards.till.wallet import Purse
from rewards.till_actions import Station
from rewards.till_quotes import Bill

COUPON_SALT = "till.coupon"


@dataclass(kw_only=True)
class Row:
    """A line of the basket as it is shown: typed values, and what is wrong with them."""

    product: Product
    form: LineForm
    unit_price: int | None
    problem: str = ""

    @property
    def asks_price(self) -> bool:
        """Whether the price is typed, because the catalogue has none."""
        return self.product.price is None

    @property
    def is_open(self) -> bool:
        """Whether it is an amount instead of a product."""
        return self.product.sku.startswith(open_amounts.SKU)

    @property
    def sold(self) -> SoldLine | None:
        """The line as it would be sold, None while something is wrong."""
        if self.problem or self.unit_price is None:
            return None
        data = self.form.cleaned_data
        return SoldLine(self.product, data["quantity"], self.unit_price, data["discount"] or 0)


@dataclass(kw_only=True)
class Sale:
    """Everything on the page of a sale."""

    station: Station
    customer: Customer | None
    now: dt.datetime
    form: SaleForm
    rows: list[Row] = field(default_factory=list)
    shown: list[Coupon] = field(default_factory=list)
    picked: list[Coupon] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)
    cards: list[ValueAccount] = field(default_factory=list)
    paying: list[int] = field(default_factory=list)
    matches: list[Product] = field(default_factory=list)
    proof: str = ""
    focus: str = "amount"

    @property
    def key(self) -> uuid.UUID:
        """The key under which this sale counts."""
        return self.form.cleaned_data["key"]

    @property
    def points(self) -> int:
        """How many points are to pay."""
        return self.form.cleaned_data.get("points") or 0

    @cached_property
    def lines(self) -> list[SoldLine]:
        """The lines that could be sold."""
        return [sold for row in self.rows if (sold := row.sold) is not None]

    @cached_property
    def offers(self) -> list[Offer]:
        """The customer's coupons, those that were shown and those that were ticked, with what each would do.

        What was ticked stays, even when somebody else has used it meanwhile: nothing is dropped in silence.
        """
        return coupon_offers.offers(
            customer=self.customer, store=self.station.store, lines=self.lines, now=self.now,
            shown=[*self.shown, *self.picked],
        )  # fmt: skip

    @property
    def coupons(self) -> list[Coupon]:
        """The chosen coupons that fit."""
        return [offer.coupon for offer in self.offers if offer.fits and offer.coupon.pk in self.chosen]

    @cached_property
    def applied(self) -> list[Coupon]:
        """The chosen coupons that fit, none when they do not go together."""
        try:
            coupon_baskets.refuse_clash(self.coupons)
        except CouponRefused:
            return []
        return self.coupons if self.lines else []

    @cached_property
    def best(self) -> coupon_baskets.Discounts:
        """The combination of the customer's coupons that takes most off."""
        fitting = [offer.coupon for offer in self.offers if offer.fits]
        return coupon_baskets.best(coupons=fitting, lines=self.lines, off=0) if self.lines else []

    @property
    def most_off(self) -> int:
        """What the best combination takes off, 0 when nothing better is left to choose."""
        most = sum(amount for __, amount in self.best)
        return most if most > self.bill.off else 0

    @property
    def is_coupon_alone(self) -> bool:
        """Whether a coupon is taken that needs no sale."""
        return not self.rows and len(self.coupons) == 1 and self.coupons[0].batch.value_kind in WITHOUT_SALE

    @cached_property
    def bill(self) -> Bill:
        """What it comes to."""
        return till_quotes.bill(
            store=self.station.store, customer=self.customer, lines=self.lines, now=self.now,
            coupons=self.applied, points=self.points, accounts=self.accounts,
        )  # fmt: skip

    @cached_property
    def purses(self) -> list[Purse]:
        """The gift cards that were shown and what the customer has on account, with what each pays."""
        plain = till_quotes.bill(
            store=self.station.store, customer=self.customer, lines=self.lines, now=self.now,
            coupons=self.applied, points=self.points,
        )  # fmt: skip
        return wallet.purses(
            customer=self.customer, shown=self.cards, chosen=self.paying, to_pay=plain.to_pay, now=self.now
        )

    @property
    def accounts(self) -> list[ValueAccount]:
        """The chosen cards that pay something."""
        return [purse.account for purse in self.purses if purse.pays]

    @property
    def value(self) -> list[tuple[ValueAccount, int]]:
        """How much each chosen card pays."""
        return [(purse.account, purse.pays) for purse in self.purses if purse.pays]

    @property
    def card_tokens(self) -> list[str]:
        """What stands in the form for the gift cards whose code was typed or scanned."""
        return [wallet.token_of(account) for account in self.cards]

    @property
    def needs_proof(self) -> bool:
        """Whether the customer's own points or money are spent, which takes more than a number that identifies."""
        return self.customer is not None and (
            self.points > 0 or any(account.customer_id is not None for account in self.accounts)
        )

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with what was typed."""
        return not self.form.errors and not any(row.problem for row in self.rows) and not self.matches

    @property
    def choices(self) -> list[dict[str, object]]:
        """The offers with what stands for each in the form."""
        return [
            {"offer": offer, "token": token_of(offer.coupon), "is_chosen": offer.coupon.pk in self.chosen}
            for offer in self.offers
        ]

    @property
    def shown_tokens(self) -> list[str]:
        """What stands in the form for the coupons whose code was typed or scanned."""
        return [token_of(coupon) for coupon in self.shown]

    def forget(self) -> None:
        """Reckon anew after something was added or chosen."""
        for name in ("lines", "offers", "applied", "best", "bill", "purses"):
            self.__dict__.pop(name, None)

    def reject(self, name: str | None, sentence: str) -> None:
        """Say what is wrong, and put the cursor there."""
        self.form.add_error(name, sentence)
        self.focus = name or self.focus


def check_payment(sale: Sale) -> None:
    """Say what is wrong with coupons and points before a sale is recorded."""
    for offer in sale.offers:
        if offer.coupon.pk in sale.chosen and not offer.fits:
            sale.reject(None, f"{offer.ticket.name}: {offer.reason.label}")
    for purse in sale.purses:
        if purse.is_chosen and purse.reason is not None:
            sale.reject(None, str(purse.reason.label))
    if not sale.rows and not sale.is_coupon_alone:
        sale.reject("amount", _("Type an amount or add a product first."))
    elif sale.lines and sale.points > sale.bill.most_points:
        sale.reject("points", _("At most %(points)d points can pay for this.") % {"points": sale.bill.most_points})


def token_of(coupon: Coupon) -> str:
    """Return what stands for a coupon in the form, so that no number can be made up."""
    return signing.dumps(coupon.pk, salt=COUPON_SALT)
