"""What makes one look twice at a friend who joined: signs that it is one person, or a farm. Nothing here refuses anybody.

Addresses and devices are compared as keyed digests; nothing that could be read is kept.
"""

import datetime as dt
import hmac

from django.conf import settings

from customers.identifiers import normalise
from customers.models import Customer, Identifier
from rewards.models import Referral, ReferralCode

DAY = dt.timedelta(days=1)
ON_ONE_DEVICE = 3  # friends on one device within a day, the last included
OF_ONE_MEMBER = 5
GENERATIONS = 10
SAME_DIGITS = 8  # of two phone numbers, from the end: +49 30 123456 and 030123456 are one
Doubt = Referral.Doubt


def doubts(*, member: Customer, friend: Customer, address: str, device: str, now: dt.datetime) -> list[str]:
    """Return why a friend should be looked at before anything is given, the keys of Referral.Doubt; mostly none."""
    lately = Referral.objects.filter(joined_at__gt=now - DAY)
    signs = {
        Doubt.OWN_ADDRESS: address in addresses_of(member.pk),
        Doubt.OWN_PHONE: have_one_phone(member.pk, friend.pk),
        Doubt.CIRCLE: any(address in addresses_of(pk) for pk in ancestors_of(member.pk)),
        Doubt.REPEATED: Referral.objects.filter(address_digest=address).exists(),
        Doubt.OWN_DEVICE: bool(device) and ReferralCode.objects.filter(customer=member, device_digest=device).exists(),
        Doubt.DEVICE_BURST: bool(device) and lately.filter(device_digest=device).count() + 1 >= ON_ONE_DEVICE,
        Doubt.MEMBER_BURST: lately.filter(customer=member).count() + 1 >= OF_ONE_MEMBER,
    }
    return [doubt.value for doubt, holds in signs.items() if holds]


def canonical(email: str) -> str:
    """Return the mailbox behind an address as far as one can tell: no part after a plus, no dots, gmail under one name."""
    local, _at, host = normalise(kind=Identifier.Kind.EMAIL, value=email).rpartition("@")
    host = {"googlemail.com": "gmail.com"}.get(host, host)
    return f"{local.partition('+')[0].replace('.', '')}@{host}"


def address_digest(email: str) -> str:
    """Return what is kept of an address, equal for spellings of one mailbox."""
    return _digest("address", canonical(email))


def device_digest(*, address: str, user_agent: str) -> str:
    """Return what is kept of a device: where it is on the network and what it says it is. Equal within a network's day or so."""
    return _digest("device", f"{address}\n{user_agent[:300]}")


def addresses_of(customer_id: int) -> set[str]:
    """Return the digests of a customer's e-mail addresses."""
    rows = Identifier.objects.filter(customer=customer_id, kind=Identifier.Kind.EMAIL)
    return {address_digest(value) for value in rows.values_list("normalised", flat=True)}


def ancestors_of(customer_id: int) -> list[int]:
    """Return who brought a customer, who brought those, and so on, as far back as somebody would go to hide."""
    found: list[int] = []
    while len(found) < GENERATIONS:
        before = Referral.objects.filter(friend=customer_id).values_list("customer_id", flat=True).first()
        if before is None or before in found:
            break
        found.append(before)
        customer_id = before
    return found


def have_one_phone(one: int, other: int) -> bool:
    """Return whether two customers have the same phone number, however it is written."""
    mine, theirs = _phones(one), _phones(other)
    return bool(mine & theirs)


def _phones(customer_id: int) -> set[str]:
    rows = Identifier.objects.filter(customer=customer_id, kind=Identifier.Kind.PHONE)
    return {value[-SAME_DIGITS:] for value in rows.values_list("normalised", flat=True)}


def _digest(kind: str, text: str) -> str:
    return hmac.digest(
        b"rewards.referrals:1:" + settings.SECRET_KEY.encode(), f"{kind}:{text}".encode(), "sha256"
    ).hex()
