"""manage.py prove_books."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from tqdm import tqdm

from customers.templatetags.loyalty import money
from rewards import proof
from rewards.models import PointTransaction
from rewards.models.points import Account


class Command(BaseCommand):
    """Replay every transaction and say whether the books balance; exit 1 and name the rows when they do not."""

    help = "Replays every point transaction and coupon use and says whether the books balance."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--record", action="store_true", help="keep the result, as the nightly proof does")

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = options["verbosity"] == 0
        with tqdm(
            total=PointTransaction.all_currencies.count(), unit="tx", disable=True if quiet else None, leave=False
        ) as bar:
            found = proof.prove(progress=bar.update)
        if options["record"]:
            proof.record(proof=found)
        for account in Account:
            self.stdout.write(f"{account.label!s:>14} {found.trial_balance[account.value]:>16,}")
        self.stdout.write(f"{_('sum')!s:>14} {sum(found.trial_balance.values()):>16,}")
        self.stdout.write(
            _("%(transactions)d transactions of %(customers)d customers, digest %(digest)s")
            % {"transactions": found.transactions, "customers": found.customers, "digest": found.digest}
        )
        if found.value_movements:
            self.stdout.write(
                _("%(movements)d movements of gift cards and store credit, %(amount)s still to be spent")
                % {"movements": found.value_movements, "amount": money(sum(found.value.values()))}
            )
        if found.is_balanced:
            self.stdout.write(self.style.SUCCESS(_("the books balance")))
            return
        for fault in found.faults:
            self.stderr.write(fault)
        count = len(found.faults)
        raise CommandError(
            ngettext("%(count)d row does not fit", "%(count)d rows do not fit", count) % {"count": count}
        )
