"""A till for tests: somebody signed in at a store, and the form of a sale as a browser would send it."""

import html
import re
import uuid
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from customers import member_codes
from customers.models import Customer, Store, User
from customers.tests.factories import NOON, create_user
from loyalty_site.roles import ensure_roles
from rewards.models import TillAction
from rewards.till.access import token_of
from rewards.till_actions import Station


class Desk:
    """Somebody who works at a till."""

    def __init__(self, store: Store, *, role: str = "cashier", till: str = "1") -> None:
        self.store, self.till = store, till
        self.user: User = create_user(is_staff=True, name=role.title())
        self.user.groups.add(ensure_roles()[role])
        self.client = Client()
        self.client.force_login(self.user)
        self.client.post(reverse("till_station"), {"store": store.pk, "till": till})

    @property
    def station(self) -> Station:
        return Station(store=self.store, till=self.till, by=self.user)

    def sale(self, customer: Customer | None = None, **values: Any) -> HttpResponse:
        """Send the form of a sale; every form of a test is one sale, unless it names its key."""
        data = {"key": uuid.uuid4(), "customer": token_of(customer) if customer else ""} | values
        return self.client.post(reverse("till_sale"), data)

    def sell(self, customer: Customer | None = None, **values: Any) -> TillAction:
        """Record a sale and return the action that the page leads to."""
        values.setdefault("amount", "12.50")
        return self.done(self.sale(customer, record="1", **values))

    def done(self, answer: HttpResponse) -> TillAction:
        """Return the action that an answer leads to."""
        assert answer.status_code == 302, problems(answer)
        return TillAction.objects.get(key=answer.headers["Location"].rstrip("/").rpartition("/")[2])

    def get(self, name: str, **keys: Any) -> str:
        """Open a page and return its text."""
        answer = self.client.get(reverse(name, kwargs=keys))
        assert answer.status_code == 200
        return text_of(answer)


def text_of(answer: HttpResponse) -> str:
    """Return a page as one reads it."""
    body = re.sub(r"(?s)<(head|template|script).*?</\1>", " ", answer.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def problems(answer: HttpResponse) -> list[str]:
    """Return what a page says is wrong."""
    found = re.findall(r'(?s)<div([^>]*role="alert"[^>]*)>(.*?)</div>(?!\s*</template>)', answer.content.decode())
    said = [html.unescape(" ".join(re.sub(r"<[^>]+>", " ", text).split())) for tag, text in found if "lost" not in tag]
    return [sentence for sentence in said if sentence]


def tokens(answer: HttpResponse, name: str) -> list[str]:
    """Return the values of a form's hidden or ticked fields."""
    return re.findall(rf'name="{name}" value="([^"]*)"', answer.content.decode())


def phone_code(customer: Customer) -> str:
    """Return the code that a customer's phone shows at noon."""
    return member_codes.make(customer=customer, now=NOON)
