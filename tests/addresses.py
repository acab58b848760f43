"""Every address of the portal, and whose eyes see which page of the demo shop: for tests and for bin/screenshots.

An address that takes nothing is seen by itself, and so is one of a model in the admin, with the model's newest row. Any other
names its example here, or that it is no page; tests/test_access.py fails until it does.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from customers import opt_out
from customers.models import Customer, User
from rewards.models import Reward, StampCard, TillAction, ValueAccount
from rewards.till import counter, wallet
from surveys import links
from surveys.models import Invitation, Response, SurveyLink

ALICE, CASHIER, OWNER = "alice@example.com", "cashier@example.com", "owner@example.com"
# Whose page it is, by the beginning of its address; "" is somebody who is not signed in. The first that fits counts.
EYES = {
    r"accounts/(login|signup|inactive|\^|password/reset|2fa/webauthn/login)": "",
    r"accounts/(2fa/webauthn|logout)": ALICE,
    r"(accounts|admin|insights|mails)/": OWNER,
    r"till/": CASHIER,
    r"(join|help|offline|mailbox|[aoprstuv])/": "",
    r"": ALICE,
}
# Redirects, files, parts of pages and what only takes a POST, of those with a blank in the address.
NO_PAGES = {
    "account_confirm_email", "coupon_hide", "coupon_unhide", "friend_link", "look_colours", "look_icon", "look_logo", "mail", "mail_html", "mail_provider",
    "mail_sample_html", "mfa_edit_webauthn", "mfa_remove_webauthn", "privacy_download", "reward_cancel", "reward_take",
    "surveys_surveylink_poster", "till_mail", "till_surprise", "view_on_site",
}  # fmt: skip
# In the demo shop DEBUG puts Django's own page in place of a 404.
ERRORS = [("error-403", ALICE, "/insights/"), ("error-link", "", "/s/nonsense/")]


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, path)
        else:
            yield path, entry


ALL = list(routes(get_resolver()))


def _newest(queryset: Any) -> dict[str, Any]:
    return {"pk": queryset.latest("pk").pk}


def examples() -> dict[str, Any]:
    """Return how to find what each address with a blank shows, by the name of the route."""

    def alice() -> Customer:
        return Customer.objects.get(user__email=ALICE)

    def sold() -> TillAction:
        return TillAction.objects.exclude(purchase=None).latest("pk")

    def invited(purpose: links.Purpose) -> dict[str, str]:
        invitation = Invitation.objects.filter(skip="", has_answered=False).latest("created_at")
        return {"token": links.token(purpose=purpose, invitation_id=invitation.pk)}

    def tested() -> dict[str, str]:
        test = Response.objects.filter(is_test=True).latest("started_at")
        return {"token": links.token(purpose=links.Purpose.TEST, invitation_id=test.pk)}

    return {
        "account_reset_password_from_key": lambda: {"uidb36": "1", "key": "1"},
        "app_list": lambda: {"app_label": "surveys"},
        "auth_user_password_change": lambda: {"id": User.objects.latest("pk").pk},
        "coupon": lambda: _newest(alice().coupons),
        "purchase": lambda: _newest(alice().purchases),
        "reward": lambda: {"slug": Reward.objects.latest("pk").slug},
        "reward_order": lambda: _newest(alice().reward_orders),
        "gift_card": lambda: _newest(alice().value_accounts),
        "stamp_card": lambda: _newest(StampCard.objects),
        "opt_out": lambda: {"token": opt_out.token(customer_id=alice().pk, purpose="survey")},
        "survey_answer": lambda: invited(links.Purpose.ANSWER),
        "survey_unsubscribe": lambda: invited(links.Purpose.UNSUBSCRIBE),
        "survey_preferences": lambda: invited(links.Purpose.PREFERENCES),
        "survey_mail": lambda: invited(links.Purpose.VIEW),
        "survey_test": tested,
        "survey_link": lambda: {"code": SurveyLink.objects.latest("pk").code},
        "mail_sample": lambda: {"kind": "receipt", "language": "en"},
        "till_done": lambda: {"key": sold().key},
        "till_return": lambda: {"pk": sold().purchase_id},
        "till_undo": lambda: {"pk": sold().pk},
        "till_card": lambda: {"token": wallet.token_of(ValueAccount.objects.latest("pk"))},
        "till_pickup": lambda: {"token": counter.order_token(alice().reward_orders.latest("pk"))},
    }


def needs_example(path: str, name: str) -> bool:
    """Return whether nothing but a line in this file can say what an address shows."""
    return bool(name) and path.count("<") > (_model_of(name) is not None) and not path.startswith("api/")


def _model_of(name: str) -> type[Model] | None:
    """Return the model whose admin has a route of this name."""
    models = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in admin.site._registry}
    return models.get("_".join(name.split("_")[:2]))


def pages() -> list[tuple[str, str, str]]:
    """Return the name, the eyes and the address of every page; one of which the shop has no example yet is left out."""
    found, how = [], examples()
    for path, route in ALL:
        name = route.name or ""
        if not name or name in NO_PAGES or path.startswith("api/") or name.endswith(("_delete", "_history")):
            continue
        model, keys = _model_of(name), {}
        try:
            if name in how:
                keys = how[name]()
            elif "<" in path:
                keys = {re.search(r"<\w+:(\w+)>", path)[1]: model._default_manager.latest("pk").pk}
        except ObjectDoesNotExist:
            continue
        eyes = next(whose for start, whose in EYES.items() if re.match(start, path))
        found.append((name, eyes, reverse(f"admin:{name}" if path.startswith("admin/") else name, kwargs=keys)))
    return found + ERRORS
