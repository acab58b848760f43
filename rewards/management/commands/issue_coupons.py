"""manage.py issue_coupons."""

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.import_command import ProgressBar
from rewards import coupon_jobs
from rewards.coupons import BatchLimitReached, BatchNotActive
from rewards.models import CouponBatch, CouponJob


class Command(BaseCommand):
    """Issue many codes of a batch to whoever will show them; Ctrl-C stops between two steps, --resume goes on."""

    help = "Issues many codes of a batch, for print or another channel. Ctrl-C stops it, --resume JOB goes on exactly there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("batch", type=int, help="the number of the batch")
        wanted = parser.add_mutually_exclusive_group(required=True)
        wanted.add_argument("--number", type=int, help="how many codes")
        wanted.add_argument("--resume", type=int, metavar="JOB", help="go on with a job that was stopped")

    def handle(self, *args: Any, **options: Any) -> None:
        job = coupon_jobs.claim(now=timezone.now(), job=self._job(options))
        if job is None:
            raise CommandError(_("A worker has taken the job already; its progress is in the admin."))
        quiet = True if options["verbosity"] == 0 else None
        try:
            with ProgressBar(file=self.stderr._out, unit=" coupons", unit_scale=True, disable=quiet) as bar:
                job = coupon_jobs.run(job=job, clock=timezone.now, progress=bar.update_to)
        except KeyboardInterrupt:
            coupon_jobs.stop(job=job, now=timezone.now())
            job.refresh_from_db()
        said = _("Job %(job)d: %(done)d of %(total)d coupons are issued.") % {
            "job": job.pk, "done": job.changed, "total": job.total,
        }  # fmt: skip
        if job.state != CouponJob.State.DONE:
            again = _("Go on with --resume %(job)d.") % {"job": job.pk}
            raise CommandError(" ".join(part for part in (said, job.reason, again) if part))
        self.stdout.write(self.style.SUCCESS(said))

    def _job(self, options: dict[str, Any]) -> CouponJob:
        batch = CouponBatch.objects.filter(pk=options["batch"]).first()
        if batch is None:
            raise CommandError(_("There is no batch with this number."))
        try:
            if options["resume"] is not None:
                return coupon_jobs.resume(job=CouponJob.objects.get(pk=options["resume"], batch=batch))
            return coupon_jobs.ask_open(
                batch=batch, number=options["number"], key=uuid.uuid4(), by=None, now=timezone.now()
            )
        except CouponJob.DoesNotExist:
            raise CommandError(_("This batch has no job with this number.")) from None
        except (BatchNotActive, BatchLimitReached, coupon_jobs.JobCannotChange, ValueError) as error:
            raise CommandError(str(error)) from error
