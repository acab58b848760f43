"""Erase a customer, or erase again whoever was erased before a backup was restored."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from customers import erasure
from customers.models import Customer, Erasure


class Command(BaseCommand):
    """The door of the command line to customers.erasure."""

    help = "Erase the customer with this member number for good, or with --reapply everybody on the list of the erased."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("member_number", nargs="?", help="the number on the card")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--reapply", action="store_true", help="after a restore: erase again whoever was erased")
        parser.add_argument("--list", type=Path, help="the list to apply (default: erased.jsonl in VAR_DIR)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["reapply"]:
            done = erasure.apply_list(now=timezone.now(), path=options["list"])
            self.stdout.write(f"Erased again: {done}.")
            return
        customer = Customer.objects.filter(member_number=options["member_number"] or "").first()
        if customer is None:
            raise CommandError("No customer has this member number.")
        if not options["yes"]:
            answer = input("This cannot be undone. Type the member number once more to erase: ")
            if answer.strip() != customer.member_number:
                raise CommandError("Nothing was erased.")
        try:
            row = erasure.erase(customer=customer, reason=Erasure.Reason.REQUEST, by=None, now=timezone.now())
        except (erasure.ErasedAlready, erasure.FilesBusy) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Erased customer {row.customer_id}.")
