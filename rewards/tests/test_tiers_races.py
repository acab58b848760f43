"""Many tills and the daily run at once: one open membership, one mail, no step lost."""

import pytest
from django.db import IntegrityError, transaction

from customers.models import Notice, Product
from rewards import daily, tiers
from rewards.models import TierMembership
from rewards.tests.factories import create_customer
from rewards.tests.test_ledger_races import outcomes, race
from rewards.tests.tier_factories import DAY, NOON, buy, create_tiers, history, open_shop

pytestmark = pytest.mark.django_db(transaction=True)
TILLS = 8


def test_tills_and_the_daily_run_lead_up_once_each():
    open_shop()
    create_tiers()
    Product.objects.create(sku="thing", name_en="Thing")
    alice = create_customer()
    results = race(
        [lambda: daily.run(now=NOON + DAY), *[lambda: buy(alice, 10_000) for _ in range(TILLS)], lambda: daily.run(now=NOON)]
    )  # fmt: skip
    assert outcomes(results) == {"int": 2, "Purchase": TILLS}
    daily.run(now=NOON + DAY)
    rows = history(alice)
    assert rows[-1] == ("house-guest", "reached", "")
    assert rows[:-1] in ([], [("regular", "reached", "reached")])
    assert Notice.objects.filter(kind="tier_reached").count() == len(rows)


def test_without_the_lock_the_constraint_still_holds():
    open_shop()
    create_tiers()
    alice = create_customer()
    buy(alice, 30_000)
    TierMembership.objects.all().delete()
    known = tiers.standings(customer_ids=[alice.pk], since=NOON)
    tiers.go_up(customer_ids=[alice.pk], at=NOON, known=known)
    with pytest.raises(IntegrityError), transaction.atomic():
        tiers.go_up(customer_ids=[alice.pk], at=NOON, known=known)
