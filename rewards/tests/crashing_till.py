"""A till that is about to be killed: `python -m rewards.tests.crashing_till`, driven by test_crash.py.

It reads commands, one a line: a number forks a till with that seed, `reap` waits for all tills to be dead. A till sells,
takes back and spends until it is killed, and says what it has done only after the commit.
"""

import datetime as dt
import os
import random
import sys

import django


def say(*words: object) -> None:
    """Write one line at once, so that lines of several tills never mix."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def sell_until_killed(seed: int) -> None:
    from customers.models import Customer, Product, Purchase, Store
    from rewards import checkout, ledger, returns
    from rewards.sale import SoldLine
    from rewards.tests.factories import NOON

    chance = random.Random(seed)
    customers, product, store = list(Customer.objects.all()), Product.objects.get(), Store.objects.get()
    purchases: list[Purchase] = []
    for number in range(1_000_000):
        customer, name = chance.choice(customers), f"{seed}-{number}"
        occurred_at = NOON + dt.timedelta(minutes=number)
        action = chance.randrange(6)
        if action == 0 and purchases:
            purchase = purchases.pop(chance.randrange(len(purchases)))
            returns.refund(purchase=purchase, reference=name, quantities={1: 1}, occurred_at=occurred_at)
            say("returned", purchase.pk)
        elif action == 1:
            try:
                ledger.redeem(customer=customer, points=7, source=f"reward:{name}", occurred_at=occurred_at)
            except ledger.InsufficientPoints:
                continue
            say("spent", f"reward:{name}")
        else:
            lines = [SoldLine(product, chance.randint(1, 5), 700), SoldLine(product, 1, chance.randint(1, 900))]
            purchase = checkout.record_purchase(
                store=store, reference=name, customer=customer, occurred_at=occurred_at, lines=lines
            )
            purchases.append(purchase)
            say("sold", purchase.pk)


def main() -> None:
    django.setup()
    say("ready", 0)
    tills = []
    for command in iter(sys.stdin.readline, ""):
        if command.strip() == "reap":
            while tills:
                os.waitpid(tills.pop(), 0)
            say("reaped", 0)
            continue
        pid = os.fork()
        if not pid:
            try:
                sell_until_killed(int(command))
            finally:
                os._exit(1)
        tills.append(pid)
        say("till", pid)


if __name__ == "__main__":
    main()
