"""What customers change about themselves on the profile."""

import datetime as dt
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers import announcements, limits
from customers.identifiers import normalise
from customers.limits import Limit
from customers.models import Category, Customer, Identifier

TRIES_A_DAY = 10  # of another phone number: nobody finds out by trying whose number is known


class PhoneTaken(Exception):
    """The number belongs to another customer, or too many were tried; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(_("This phone number cannot be used here. Please ask the shop."))


def change(
    *, customer: Customer, name: str, phone: str, birthday: dt.date | None, time_zone: str, now: dt.datetime
) -> set[str]:
    """Change what a customer says about themselves and return which fields differ now.

    A birthday is taken once; later ones are passed over. An empty phone number takes the number away. Raises PhoneTaken.
    """
    changed = set()
    phones = list(phones_of(customer))
    is_other_phone = normalise(kind=Identifier.Kind.PHONE, value=phone) != normalise(
        kind=Identifier.Kind.PHONE, value=phones[0] if phones else ""
    )
    if is_other_phone and phone:
        _count_phone(customer)
    try:
        with transaction.atomic():
            row = Customer.objects.select_for_update().get(pk=customer.pk)
            for field, value in (("name", name), ("time_zone", time_zone)):
                if getattr(row, field) != value:
                    setattr(row, field, value)
                    changed.add(field)
            if birthday is not None and row.birthday_set_at is None and birthday != row.birthday:
                row.birthday, row.birthday_set_at = birthday, now
                changed |= {"birthday"}
            if changed:
                row.save(update_fields=[*changed, "birthday_set_at"])
            if is_other_phone:
                _replace_phone(row, phone)
                changed.add("identifiers")
            if changed:
                announcements.customer_changed(row, fields=changed, at=now)
    except IntegrityError as error:
        raise PhoneTaken from error
    return changed


def prefer(
    *, customer: Customer, likes: Iterable[Category], dislikes: Iterable[Category], wants_reminders: bool
) -> None:
    """Keep what a customer likes, would rather not see, and wants to be reminded of."""
    with transaction.atomic():
        customer.preferred_categories.set(likes)
        customer.disliked_categories.set(dislikes)
        Customer.objects.filter(pk=customer.pk).update(wants_reminders=wants_reminders)


def phones_of(customer: Customer) -> list[str]:
    """Return a customer's phone numbers as they were written, the first that was known first."""
    rows = Identifier.objects.filter(customer=customer, kind=Identifier.Kind.PHONE)
    return list(rows.order_by("pk").values_list("value", flat=True))


def _replace_phone(customer: Customer, phone: str) -> None:
    own = Identifier.objects.filter(customer=customer, kind=Identifier.Kind.PHONE).order_by("pk")
    if first := own.first():
        first.delete()
    if phone:
        normalised = normalise(kind=Identifier.Kind.PHONE, value=phone)
        if not own.filter(normalised=normalised).exists():
            Identifier.objects.create(customer=customer, kind=Identifier.Kind.PHONE, value=phone, normalised=normalised)


def _count_phone(customer: Customer) -> None:
    try:
        limits.take(Limit(f"profile:phone:{customer.pk}", TRIES_A_DAY, 86_400))
    except limits.LimitReached as reached:
        raise PhoneTaken from reached
