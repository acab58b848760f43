"""Log-in: who gets an account, when, and in which language we write to them."""

import datetime as dt
import time
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records, perform_login, record_authentication
from allauth.account.models import EmailAddress, Login
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy

from customers import looks, staff_mail
from customers.identifiers import normalise
from customers.models import Customer, Identifier, User
from customers.models.customer import CustomerQuerySet


class AccountAdapter(DefaultAccountAdapter):
    """allauth's door: its own sign-up is closed, customers join by `customers.joining` or are enrolled by the shop."""

    # In our own words: allauth's Chinese calls a wrong code an "error code".
    error_messages = DefaultAccountAdapter.error_messages | {
        "incorrect_code": gettext_lazy("This is not the code that we mailed. Please look again.")
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write in the person's language; a stranger gets the language of the page that was used."""
        known = {
            "programme_name": looks.name(), "postal_address": settings.POSTAL_ADDRESS,
            "site_url": settings.SITE_URL,
        }  # fmt: skip
        with translation.override(mail_language(email=email) or translation.get_language()):
            super().send_mail(template_prefix, email, context | known)

    def get_login_stages(self) -> list[str]:
        """A passkey spares customers the mail; only staff need a second factor beside their first."""
        own = "customers.login_stages.StaffAuthenticateStage"
        return [own if stage.endswith(".AuthenticateStage") else stage for stage in super().get_login_stages()]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """A customer who has just signed in, by whatever means, need not do it again to manage passkeys."""
        if context.request.user.is_staff:
            return super().is_reauthentication_required(app=app, **kwargs)
        records = get_authentication_records(context.request, context.request.user)
        is_fresh = bool(records) and time.time() - records[-1]["at"] < account_settings.REAUTHENTICATION_TIMEOUT
        return not is_fresh

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Remember on the customer, too, which addresses a mailed code has verified."""
        for address in EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True):
            mark_verified(user=user, email=address, now=timezone.now())
        if user.is_superuser:
            tell_owners(user=user, now=timezone.now())
        return super().post_login(request, user, **kwargs)


class SecondFactorAdapter(DefaultMFAAdapter):
    """The second factor of staff, with a sentence that says what may have gone wrong."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy(
            "This code is not valid now. An app shows a new one every 30 seconds; a recovery code works once."
        )
    }


def sign_in(request: HttpRequest, *, user: User, email: str, redirect_url: str) -> HttpResponse:
    """Sign somebody in who has typed the code from their mailbox, as the page for codes does, second factor included."""
    # What a stranger's session keeps for an hour a member's keeps as long as any.
    request.session.set_expiry(None)
    record_authentication(request, user, method="code", email=email)
    EmailAddress.objects.filter(user=user, email=normalise(kind="email", value=email)).update(verified=True)
    return perform_login(request, Login(user=user, redirect_url=redirect_url, email=email))


def tell_owners(*, user: User, now: dt.datetime) -> None:
    """Tell all owners that one of them has signed in: such accounts are for emergencies."""
    context = {"user": user.pk, "happened_at": now.isoformat()}
    staff_mail.queue(
        kind="owner_signed_in",
        source=f"{user.pk}:{now.isoformat()}",
        context=context,
        readers=staff_mail.owners(),
        now=now,
    )


def ensure_user(*, email: str) -> User | None:
    """Give the customer with this e-mail address a log-in and return it; None when nobody may log in with the address.

    A customer on paper becomes one with a log-in at the first request for a code. When the shop has changed a customer's
    address, the log-in moves along: the new address opens it, the old one no longer does. Doing it again changes nothing.
    """
    address = normalise(kind=Identifier.Kind.EMAIL, value=email)
    customer = _customers(address).select_related("user").first()
    if customer is None:
        return User.objects.filter(email=address, customer=None).first() or _staff(address)
    if customer.user and _is_settled(customer.user, address):
        return customer.user
    with transaction.atomic():
        # Two requests at once: the second waits here and then finds what the first has made.
        locked = _customers(address).select_for_update(of=("self",)).first()
        return locked and _give_log_in(locked, address)


def is_member(*, email: str) -> bool:
    """Return whether an address is one of a customer's."""
    return _customers(normalise(kind=Identifier.Kind.EMAIL, value=email)).exists()


def choose_language(*, user: User, language: str) -> None:
    """Remember the language of a person for pages and mails, on the log-in and on the customer behind it."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(language=language)
        Customer.objects.filter(user=user).update(language=language)


def mail_language(*, email: str) -> str:
    """Return the language in which the person behind an address is written to, empty when nobody has chosen."""
    address = normalise(kind=Identifier.Kind.EMAIL, value=email)
    chosen = _customers(address).values_list("language", flat=True).first()
    return chosen or User.objects.filter(email=address).values_list("language", flat=True).first() or ""


def mark_verified(*, user: User, email: str, now: dt.datetime) -> None:
    """Record that a customer reads the mails of an address."""
    address = normalise(kind=Identifier.Kind.EMAIL, value=email)
    identifiers = Identifier.objects.filter(kind=Identifier.Kind.EMAIL, normalised=address, customer__user=user)
    identifiers.filter(verified_at=None).update(verified_at=now)


def _customers(address: str) -> CustomerQuerySet:
    has_address = Identifier.objects.filter(kind=Identifier.Kind.EMAIL, normalised=address).values("customer")
    return Customer.objects.enrolled().filter(pk__in=has_address).order_by("pk")


def _staff(address: str) -> User | None:
    """Staff keep their own address for the log-in, whatever address their card has."""
    return User.objects.filter(email=address, is_staff=True).first()


def _is_settled(user: User, address: str) -> bool:
    if user.is_staff:
        return True
    return EmailAddress.objects.filter(user=user, email=address).exists()


def _give_log_in(customer: Customer, address: str) -> User | None:
    user = customer.user
    if user is None:
        user = User.objects.filter(email=address, customer=None).first() or User.objects.create_user(
            address, name=customer.name, language=customer.language
        )
        customer.user = user
        customer.save(update_fields=["user"])
    if user.is_staff:
        return user
    current = set(customer.identifiers.filter(kind=Identifier.Kind.EMAIL).values_list("normalised", flat=True))
    if user.email not in current:
        if User.objects.filter(email=address).exclude(pk=user.pk).exists():
            return None
        user.email = address
        user.save(update_fields=["email"])
    EmailAddress.objects.filter(user=user).exclude(email__in=current).delete()
    EmailAddress.objects.get_or_create(user=user, email=address, defaults={"primary": user.email == address})
    return user
