"""manage.py load_demo."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from tqdm import tqdm

from customers import standings
from customers.models import Customer, User
from customers.recommendations import nightly
from loyalty_site.demo import people
from loyalty_site.demo.load import load
from rewards import proof


class Command(BaseCommand):
    """Fill an empty database with the demo shop and print how to log in. Only with DEBUG: its passwords are known to all."""

    help = "Fills an empty database with a demo shop of eighteen months and prints how to log in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=2, help="another number is another shop (default: 2)")
        parser.add_argument("--migrate", action="store_true", help="bring the database's tables up to date first")
        parser.add_argument("--if-empty", action="store_true", help="do nothing when there are customers already")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(_("The demo shop has well-known passwords; it is loaded only with DEBUG=True."))
        if options["migrate"]:
            call_command("migrate", verbosity=0)
        if not Customer.objects.exists():
            self._load(seed=options["seed"], is_quiet=options["verbosity"] == 0)
        elif not options["if_empty"]:
            raise CommandError(_("There are customers in this database already; the demo shop needs an empty one."))
        if User.objects.filter(email=people.STAFF["manager"][0]).exists():
            self.stdout.write(log_ins())

    def _load(self, *, seed: int, is_quiet: bool) -> None:
        with tqdm(unit="purchases", disable=True if is_quiet else None, leave=False) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            load(seed=seed, now=timezone.now(), progress=show)
        # What the first night would do, so that the pages that wait for it have something to show.
        nightly.run_due(clock=timezone.now)
        standings.run_due(clock=timezone.now)
        if not proof.record(proof=proof.prove()).is_balanced:
            raise CommandError(_("The books of the demo shop do not balance; manage.py prove_books says where."))


def log_ins() -> str:
    """Return the demo log-ins as a small table."""
    roles = {
        "owner": _("owner"),
        "manager": _("manager"),
        "marketer": _("marketer"),
        "cashier": _("cashier"),
        "auditor": _("auditor"),
    }
    lines = [_("Demo log-ins for staff, with their passwords:")]
    lines += [f"  {email:<22} {password:<20} {roles[key]}" for key, (email, *__, password) in people.STAFF.items()]
    lines += [
        _("Customers ask for a code and read it at %(url)s:") % {"url": f"{settings.SITE_URL}/mailbox/"},
        f"  {people.ALICE:<22} Alice Morgan",
        f"  {people.LIN:<22} 林晓",
    ]
    return "\n".join(lines)
