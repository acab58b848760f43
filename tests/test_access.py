"""Who may open what: every address, every actor. An address that is not listed here fails.

The API has keys and scopes of its own; their matrix is in loyalty_site/tests.
"""

import datetime as dt
import re
import uuid

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import exports
from customers.models import BuyingMonth, Product, User
from customers.tests.factories import NOON, create_customer, create_store, create_user
from loyalty_site.roles import ensure_roles
from rewards import catalogue, checkout, coupons, sale, till_actions, till_counter
from rewards.models import CountedMonth
from rewards.tests.coupon_factories import create_batch
from rewards.tests.factories import award
from rewards.tests.reward_factories import create_reward
from rewards.tests.stamp_factories import create_card
from rewards.tests.value_factories import sell_card
from rewards.till import counter, wallet
from tests import addresses
from tests.addresses import ALL

pytestmark = pytest.mark.django_db

ROLES = ("cashier", "marketer", "manager", "auditor")
# What each page answers to: nobody, its owner, another customer, staff without a card.
PAGES = {
    "home": (302, 200, 200, 302),
    "card": (302, 200, 200, 302),
    "for_you": (302, 200, 200, 302),
    "card_code": (302, 200, 200, 302),
    "profile": (302, 200, 200, 302),
    "till_pin": (302, 200, 200, 302),
    "details": (302, 200, 200, 302),
    "preferences": (302, 200, 200, 302),
    "address": (302, 200, 200, 302),
    "address_code": (302, 302, 302, 302),
    "devices": (302, 200, 200, 200),
    "passkey_later": (302, 405, 405, 405),
    "friends": (302, 200, 200, 302),
    "surveys": (302, 200, 200, 302),
    "privacy": (302, 200, 200, 302),
    "privacy_history": (302, 200, 200, 302),
    "privacy_confirm": (302, 200, 200, 302),
    "privacy_export": (302, 200, 200, 302),
    "privacy_download": (302, 302, 404, 302),
    "privacy_erase": (302, 200, 200, 302),
    "coupons": (302, 200, 200, 302),
    "coupon": (302, 200, 404, 302),
    "rewards": (302, 200, 200, 302),
    "reward": (302, 200, 200, 302),
    "reward_order": (302, 200, 404, 302),
    "gift_cards": (302, 200, 200, 302),
    "gift_card": (302, 200, 404, 302),
    "stamps": (302, 200, 200, 302),
    "stamp_card": (302, 200, 200, 302),
    "statement": (302, 200, 200, 302),
    "statement_file": (302, 200, 200, 302),
    "purchases": (302, 200, 200, 302),
    "purchase": (302, 200, 404, 302),
    # Open to everybody; members need not join again.
    "help": (200, 200, 200, 200),
    "join": (200, 302, 302, 302),
    "join_code": (302, 302, 302, 302),
    "claim": (200, 302, 302, 302),
    "claim_code": (302, 302, 302, 302),
    "friend_link": (302, 302, 302, 302),
    "manifest": (200, 200, 200, 200),
    "worker": (200, 200, 200, 200),
    "offline": (200, 200, 200, 200),
    "look_colours": (200, 200, 200, 200),
    "look_logo": (404, 404, 404, 404),
    "look_icon": (404, 404, 404, 404),
    # Changed by POST alone.
    "coupon_hide": (302, 405, 405, 405),
    "coupon_unhide": (302, 405, 405, 405),
    "reward_take": (302, 405, 405, 405),
    "reward_cancel": (302, 405, 405, 405),
    "set_language": (405, 405, 405, 405),
    # Opened by the token in a mail; a wrong one says the same to everybody.
    "opt_out": (404, 404, 404, 404),
    "survey_answer": (404, 404, 404, 404),
    "survey_link": (404, 404, 404, 404),
    "survey_unsubscribe": (404, 404, 404, 404),
    "survey_preferences": (404, 404, 404, 404),
    "survey_mail": (404, 404, 404, 404),
    "survey_test": (404, 404, 404, 404),
    # For the mail provider alone, and closed until it has a secret.
    "mail_provider": (405, 405, 405, 405),
    "insights": (302, 403, 403, 403),
    "insights_effects": (302, 403, 403, 403),
    "insights_net_effect": (302, 403, 403, 403),
    "insights_owed": (302, 403, 403, 403),
    "insights_close": (302, 403, 403, 403),
    "insights_forecasts": (302, 403, 403, 403),
    "insights_report": (302, 403, 403, 403),
    "insights_report_pdf": (302, 403, 403, 403),
    "mails": (302, 403, 403, 403),
    "mail_sample": (302, 403, 403, 403),
    "mail_sample_html": (302, 403, 403, 403),
    # Only where DEBUG is on.
    "mailbox": (404, 404, 404, 404),
    "mail": (404, 404, 404, 404),
    "mail_html": (404, 404, 404, 404),
}
# What a POST without a word answers to the same; a page that is not listed here is only looked at.
POSTS = {
    "profile": (302, 302, 302, 302),
    "till_pin": (302, 200, 200, 302),
    "details": (302, 302, 302, 302),
    "preferences": (302, 302, 302, 302),
    "address": (302, 200, 200, 302),
    "address_code": (302, 302, 302, 302),
    "devices": (302, 302, 302, 302),
    "passkey_later": (302, 302, 302, 302),
    "privacy": (302, 302, 302, 302),
    "privacy_confirm": (302, 200, 200, 302),
    "privacy_export": (302, 302, 302, 302),
    "privacy_erase": (302, 302, 302, 302),
    "gift_cards": (302, 422, 422, 302),
    "coupon_hide": (302, 302, 404, 302),
    "coupon_unhide": (302, 302, 404, 302),
    "reward_take": (302, 302, 302, 302),
    "reward_cancel": (302, 302, 404, 302),
    "join": (200, 302, 302, 302),
    "join_code": (302, 302, 302, 302),
    "claim": (200, 302, 302, 302),
    "claim_code": (302, 302, 302, 302),
    "friend_link": (405, 405, 405, 405),
    "set_language": (302, 302, 302, 302),
    "opt_out": (404, 404, 404, 404),
    "survey_answer": (404, 404, 404, 404),
    "survey_link": (404, 404, 404, 404),
    "survey_unsubscribe": (404, 404, 404, 404),
    "survey_preferences": (404, 404, 404, 404),
    "survey_mail": (404, 404, 404, 404),
    "survey_test": (404, 404, 404, 404),
    "mail_provider": (404, 404, 404, 404),
}
# The log-in and what is behind it: GET and POST of nobody, of a customer and of a manager without a second factor.
ACCOUNTS = {
    "login/code/": (200, 200, 302, 302, 302, 302),
    "login/code/confirm/": (302, 302, 302, 302, 302, 302),
    "login/": (200, 200, 302, 302, 302, 302),
    "signup/": (302, 302, 302, 302, 302, 302),
    "inactive/": (200, 405, 200, 405, 200, 405),
    "confirm-email/": (302, 302, 404, 404, 404, 404),
    "confirm-email/<path:key>": (302, 302, 404, 404, 404, 404),
    "^confirm-email/(?P<key>[-:\\w]+)/$": (302, 302, 404, 404, 404, 404),
    "password/reset/": (200, 200, 200, 200, 200, 200),
    "password/reset/done/": (200, 405, 200, 405, 200, 405),
    "password/reset/key/done/": (200, 405, 200, 405, 200, 405),
    "^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": (200, 200, 200, 200, 200, 200),
    "2fa/authenticate/": (302, 302, 302, 302, 302, 302),
    "2fa/webauthn/login/": (302, 302, 302, 302, 302, 302),
    # For those who are signed in; addresses are kept by the shop, passwords are for staff.
    "email/": (302, 302, 404, 404, 404, 404),
    "password/set/": (302, 302, 404, 404, 200, 200),
    "password/change/": (302, 302, 404, 404, 302, 302),
    "reauthenticate/": (302, 302, 403, 403, 403, 403),
    "2fa/": (302, 302, 302, 302, 200, 405),
    "2fa/reauthenticate/": (302, 302, 403, 403, 403, 403),
    "2fa/totp/activate/": (302, 302, 200, 200, 200, 200),
    "2fa/totp/deactivate/": (302, 302, 404, 404, 404, 404),
    "2fa/recovery-codes/": (302, 302, 404, 405, 404, 405),
    "2fa/recovery-codes/generate/": (302, 302, 200, 200, 200, 200),
    "2fa/recovery-codes/download/": (302, 302, 404, 404, 404, 404),
    "2fa/webauthn/": (302, 302, 200, 405, 200, 405),
    "2fa/webauthn/add/": (302, 302, 200, 200, 200, 200),
    "2fa/webauthn/reauthenticate/": (302, 302, 403, 403, 403, 403),
    "2fa/webauthn/keys/<int:pk>/remove/": (302, 302, 404, 404, 404, 404),
    "2fa/webauthn/keys/<int:pk>/edit/": (302, 302, 404, 404, 404, 404),
    "logout/": (302, 302, 200, 302, 200, 302),  # last: who was here is gone
}
# What the till answers to those who may work there, once they have chosen a store; everybody else is refused.
TILL_ROLES = ("cashier", "manager", "owner")
TILL_PAGES = {
    "till": 200,
    "till_station": 200,
    "till_enrol": 200,
    "till_sale": 200,
    "till_done": 200,
    "till_mail": 302,
    "till_counter": 200,
    "till_card": 200,
    "till_pickup": 200,
    "till_surprise": 302,
    "till_receipts": 200,
    "till_return": 200,
    "till_journal": 200,
    "till_undo": 200,
}
# The same for everybody, and kept by browsers.
SHARED = {"manifest", "worker", "offline", "look_colours"}
# Which roles may look at which lists of the admin; the owner sees all.
LISTS = {
    "auth.group": "manager",
    "customers.apikey": "manager",
    "customers.auditevent": "manager auditor",
    "customers.category": "cashier marketer manager auditor",
    "customers.consent": "cashier manager",
    "customers.customer": "cashier manager",
    "customers.customermerge": "manager",
    "customers.dataexport": "manager auditor",
    "customers.erasure": "manager auditor",
    "customers.importjob": "manager",
    "customers.look": "marketer manager",
    "customers.notice": "cashier manager",
    "customers.product": "cashier marketer manager auditor",
    "customers.purchase": "cashier manager auditor",
    "customers.purchaseline": "cashier manager auditor",
    "customers.recommendationmodel": "marketer manager auditor",
    "customers.return": "cashier manager auditor",
    "customers.savedfilter": "marketer manager auditor",
    "customers.spendingproof": "manager auditor",
    "customers.staffnotice": "manager auditor",
    "customers.store": "cashier marketer manager auditor",
    "customers.user": "manager auditor",
    "customers.webhookdelivery": "manager",
    "customers.webhookendpoint": "manager",
    "customers.webhookevent": "manager",
    "rewards.adjustmentrequest": "cashier manager auditor",
    "rewards.assignment": "marketer manager auditor",
    "rewards.bookproof": "manager auditor",
    "rewards.coupon": "cashier marketer manager auditor",
    "rewards.couponbatch": "cashier marketer manager auditor",
    "rewards.couponjob": "cashier marketer manager auditor",
    "rewards.couponuse": "cashier marketer manager auditor",
    "rewards.earningrule": "cashier marketer manager auditor",
    "rewards.pointbalance": "cashier manager auditor",
    "rewards.pointhold": "manager auditor",
    "rewards.pointlot": "manager auditor",
    "rewards.pointtransaction": "manager auditor",
    "rewards.referral": "manager auditor",
    "rewards.referraloffer": "cashier marketer manager auditor",
    "rewards.reward": "cashier marketer manager auditor",
    "rewards.rewardorder": "cashier marketer manager auditor",
    "rewards.spendingfreeze": "manager auditor",
    "rewards.stampbalance": "cashier manager auditor",
    "rewards.stampcard": "cashier marketer manager auditor",
    "rewards.surprise": "marketer manager auditor",
    "rewards.surprisegift": "marketer manager auditor",
    "rewards.tier": "cashier marketer manager auditor",
    "rewards.tiermembership": "manager auditor",
    "rewards.tillaction": "manager auditor",
    "rewards.valueaccount": "cashier manager auditor",
    "rewards.valuemovement": "cashier manager auditor",
    "surveys.campaign": "marketer manager",
    "surveys.case": "manager",
    "surveys.caserule": "manager",
    "surveys.chatgroup": "marketer manager",
    "surveys.chatpost": "marketer manager",
    "surveys.contactlogentry": "manager",
    "surveys.deliveryevent": "manager",
    "surveys.gateway": "manager",
    "surveys.invitation": "manager",
    "surveys.mailaccount": "manager",
    "surveys.mailpolicy": "manager",
    "surveys.message": "marketer manager",
    "surveys.response": "marketer manager",
    "surveys.rewardgrant": "manager",
    "surveys.run": "marketer manager",
    "surveys.suppression": "manager",
    "surveys.survey": "marketer manager",
    "surveys.surveylink": "marketer manager",
    "surveys.theme": "marketer manager",
}


@pytest.fixture
def clients() -> dict[str, Client]:
    """A browser for each actor: alice owns what is looked at, bob does not."""
    groups = ensure_roles()
    users: dict[str, User | None] = {"anonymous": None}
    for name in ("alice", "bob"):
        users[name] = create_user(email=f"{name}@example.com")
        create_customer(name=name, user=users[name])
    for role in ROLES:
        users[role] = create_user(email=f"{role}@example.com", is_staff=True)
        users[role].groups.add(groups[role])
    users["owner"] = create_user(email="owner@example.com", is_staff=True, is_superuser=True)
    found = {}
    for name, user in users.items():
        found[name] = Client()
        if user is not None:
            found[name].force_login(user)
    return found


@pytest.fixture
def alices(clients: dict[str, Client]) -> dict[str, dict[str, object]]:
    """The keys of what belongs to alice, by route."""
    alice = User.objects.get(email="alice@example.com").customer
    coupon = coupons.issue(batch=create_batch(), customer=alice, source="test:1", now=NOON)
    product = Product.objects.create(sku="tea", name_en="Tea")
    purchase = checkout.record_purchase(
        store=create_store(),
        reference="R1",
        customer=alice,
        occurred_at=NOON,
        lines=[sale.SoldLine(product, 1, 500)],
    )
    CountedMonth.objects.create(month_date=dt.date(2026, 2, 1), counted_at=NOON)
    BuyingMonth.objects.create(month_date=dt.date(2026, 2, 1), buyers=1, repeaters=0, counted_at=NOON)
    stamps = create_card()
    reward = create_reward(slug="mug", points_cost=0, price=500)
    order = catalogue.redeem_reward(customer=alice, reward=reward, key="1", now=NOON)
    card = sell_card(customer=alice)
    exported = exports.ask(customer=alice, now=timezone.now(), place="portal")
    exports.make(export=exported, now=timezone.now())
    token, mail = {"token": "x" * 47}, {"name": "1.eml"}
    return {
        "reward": {"slug": "mug"}, "reward_take": {"slug": "mug"}, "reward_order": {"pk": order.pk},
        "reward_cancel": {"pk": order.pk}, "gift_card": {"pk": card.pk},
        "stamp_card": {"pk": stamps.pk},
        "coupon": {"pk": coupon.pk}, "coupon_hide": {"pk": coupon.pk}, "coupon_unhide": {"pk": coupon.pk}, "purchase": {"pk": purchase.pk}, "survey_answer": token, "survey_link": {"code": "x" * 10}, "survey_unsubscribe": token, "opt_out": token,
        "survey_preferences": token, "survey_mail": token, "survey_test": token,
        "mail_sample": {"kind": "receipt", "language": "en"}, "mail_sample_html": {"kind": "receipt", "language": "en"},
        "look_colours": {"version": "x"}, "look_logo": {"version": "x"}, "look_icon": {"version": "x", "size": 192},
        "privacy_download": {"token": exported.token},
        "friend_link": {"code": "ABCD2345"},
        "mail": mail, "mail_html": mail, "mail_provider": {"esp": "postmark", "kind": "tracking"},
    }  # fmt: skip


def test_every_address_is_listed() -> None:
    ours = {route.name for path, route in ALL if not path.startswith(("admin/", "api/", "accounts/"))}
    assert ours == PAGES.keys() | TILL_PAGES.keys()
    assert {path.removeprefix("accounts/") for path, _route in ALL if path.startswith("accounts/")} == ACCOUNTS.keys()
    models = {f"{model._meta.app_label}.{model._meta.model_name}" for model in admin.site._registry}
    assert models == set(LISTS)


def test_every_page_with_a_blank_in_its_address_has_an_example_to_look_at() -> None:
    blanks = {route.name for path, route in ALL if addresses.needs_example(path, route.name or "")}
    assert blanks == addresses.examples().keys() | addresses.NO_PAGES


def test_each_page_answers_each_actor_as_listed(
    clients: dict[str, Client], alices: dict[str, dict[str, object]]
) -> None:
    wrong = []
    for name, (nobody, owner, other, staff) in PAGES.items():
        url = reverse(name, kwargs=alices.get(name))
        expected = {"anonymous": nobody, "alice": owner, "bob": other} | dict.fromkeys([*ROLES, "owner"], staff)
        for actor, status in expected.items():
            if name.startswith("mail_sample") or name == "mails":
                status = 200 if actor in ("marketer", "manager", "owner") else status
            if name.startswith("insights"):
                status = 200 if actor in ("marketer", "manager", "auditor", "owner") else status
            response = clients[actor].get(url)
            if response.status_code != status:
                wrong.append(f"{actor} {url}: {response.status_code}, not {status}")
            kept = response.headers.get("Cache-Control", "")
            if actor != "anonymous" and "no-store" not in kept and not (name in SHARED and "public" in kept):
                wrong.append(f"{actor} {url}: may be cached")
            if "Content-Security-Policy" not in response.headers:
                wrong.append(f"{actor} {url}: no content security policy")
    assert wrong == []


def test_each_page_takes_a_post_of_each_actor_as_listed(
    clients: dict[str, Client], alices: dict[str, dict[str, object]]
) -> None:
    wrong = []
    assert POSTS.keys() <= PAGES.keys()
    for name, looked_at in PAGES.items():
        url = reverse(name, kwargs=alices.get(name))
        nobody, owner, other, staff = POSTS.get(name, (302 if looked_at[0] == 302 else 405, 405, 405, 405))
        expected = {"anonymous": nobody, "bob": other, "alice": owner} | dict.fromkeys([*ROLES, "owner"], staff)
        for actor, status in expected.items():
            if (found := clients[actor].post(url).status_code) != status:
                wrong.append(f"{actor} {url}: {found}, not {status}")
    assert wrong == []


def test_the_log_in_and_what_is_behind_it_answer_as_listed(clients: dict[str, Client]) -> None:
    wrong = []
    for path, statuses in ACCOUNTS.items():
        url = "/accounts/" + re.sub(r"\(\?P<\w+>.*?\)(?=[-/])|<[^>]+>", "1", path).strip("^$")
        asked = [(actor, method) for actor in ("anonymous", "alice", "manager") for method in ("get", "post")]
        for (actor, method), status in zip(asked, statuses, strict=True):
            response = getattr(clients[actor], method)(url)
            if response.status_code != status:
                wrong.append(f"{actor} {method} {url}: {response.status_code}, not {status}")
    assert wrong == []


def test_the_till_is_open_to_those_who_work_there(clients: dict[str, Client]) -> None:
    store, product = create_store(), Product.objects.create(sku="till-tea", name_en="Tea")
    action = till_actions.sell(
        station=till_actions.Station(store=store, till="1", by=User.objects.get(email="cashier@example.com")),
        key=uuid.uuid4(), customer=None, now=timezone.now(), lines=[sale.SoldLine(product, 1, 500)],
    )  # fmt: skip
    station = till_actions.Station(store=store, till="1", by=User.objects.get(email="cashier@example.com"))
    sold = till_counter.sell_card(station=station, key=uuid.uuid4(), amount=500, now=timezone.now())
    card = wallet.token_of(till_counter.movement_of(sold).account)
    bob = create_customer()
    award(bob, 500, source="welcome:till")
    thing = create_reward(slug="till-cup", batch=None)
    order = catalogue.redeem_reward(customer=bob, reward=thing, key="till", now=timezone.now())
    keys = {
        "till_card": {"token": card}, "till_pickup": {"token": counter.order_token(order)},
        "till_done": {"key": action.key}, "till_mail": {"key": action.key}, "till_undo": {"pk": action.pk},
        "till_return": {"pk": action.purchase_id}, "till_surprise": {"pk": 1},
    }  # fmt: skip
    for name in TILL_ROLES:
        assert clients[name].get(reverse("till")).headers["Location"] == reverse("till_station")
        clients[name].post(reverse("till_station"), {"store": store.pk, "till": "1"})
    wrong = []
    for name, status in TILL_PAGES.items():
        url = reverse(name, kwargs=keys.get(name))
        for actor, client in clients.items():
            expected = 302 if actor == "anonymous" else status if actor in TILL_ROLES else 403
            if (found := client.get(url).status_code) != expected:
                wrong.append(f"{actor} {url}: {found}, not {expected}")
            if actor not in TILL_ROLES and (found := client.post(url).status_code) != expected:
                wrong.append(f"POST {actor} {url}: {found}, not {expected}")
    assert wrong == []


def test_each_role_sees_its_lists_of_the_admin_and_no_other(clients: dict[str, Client]) -> None:
    wrong = []
    for label, roles in LISTS.items():
        url = reverse("admin:{}_{}_changelist".format(*label.split(".")))
        for actor in (*ROLES, "owner"):
            status = 200 if actor == "owner" or actor in roles.split() else 403
            if (found := clients[actor].get(url).status_code) != status:
                wrong.append(f"{actor} {url}: {found}, not {status}")
    assert wrong == []


def admin_urls() -> list[str]:
    paths = [path for path, __ in ALL if path.startswith("admin/") and "^" not in path and "(?P" not in path]
    return ["/" + re.sub(r"<[^>]+>", "1", path) for path in paths] + ["/admin/rewards/", "/admin/nothing/here/"]


@pytest.mark.parametrize("actor", ["anonymous", "alice"])
def test_the_admin_shows_nothing_to_customers(clients: dict[str, Client], actor: str) -> None:
    client = clients[actor]
    shown = [
        url
        for url in admin_urls()
        if {client.get(url).status_code, client.post(url).status_code}
        - ({302} if actor == "anonymous" else {302, 403, 404})
    ]
    assert shown == []


def test_without_a_second_factor_staff_get_no_further_than_setting_one_up(clients: dict[str, Client], settings) -> None:
    settings.STAFF_MFA_REQUIRED = True
    for actor in ("manager", "owner"):
        answers = {url: clients[actor].get(url) for url in [*admin_urls(), "/", "/points/"]}
        open_ones = [url for url, response in answers.items() if response.status_code != 302]
        assert open_ones == []
    assert clients["manager"].get("/admin/").headers["Location"] == reverse("mfa_index")
    assert clients["manager"].get(reverse("mfa_index")).status_code == 200


def test_the_admin_never_asks_for_a_password_itself(clients: dict[str, Client]) -> None:
    response = clients["anonymous"].post("/admin/login/", {"username": "owner@example.com", "password": "x"})
    assert response.status_code in (302, 405)
