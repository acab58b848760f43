"""The tables below a batch: what is being done with its coupons, who did what before, and the newest of them."""

from django.utils.html import format_html
from django.utils.translation import gettext as _

from customers.admin_panels import NEWEST, Panel, list_url, record_url
from customers.templatetags.loyalty import points
from rewards.admin.coupons import state_word
from rewards.models import Coupon, CouponBatch, CouponEvent, CouponJob


def jobs_of_batch(batch: CouponBatch) -> Panel:
    """Return the newest jobs of a batch and how far they are."""
    rows = CouponJob.objects.filter(batch=batch).select_related("by").order_by("-pk")[:NEWEST]
    return Panel(
        title=_("In the background"),
        columns=[_("what"), _("state"), _("progress"), _("coupons"), _("asked at"), _("by")],
        numeric=frozenset({2, 3}),
        rows=[
            [
                format_html('<a href="{}">{}</a>', record_url(job), job.get_kind_display()),
                job.get_state_display(),
                f"{job.percent} %",
                points(job.changed),
                job.created_at,
                job.by,
            ]
            for job in rows
        ],
        empty=_("Nothing yet: more than a thousand coupons at a time are issued by the worker."),
        all_url=list_url(CouponJob, batch__id__exact=batch.pk),
    )


def history_of_batch(batch: CouponBatch) -> Panel:
    """Return who activated, paused, extended, exported or voided."""
    rows = CouponEvent.objects.filter(batch=batch, coupon=None).select_related("by").order_by("-pk")[:NEWEST]
    return Panel(
        title=_("What was done with it"),
        columns=[_("at"), _("event"), _("coupons"), _("by"), _("note")],
        numeric=frozenset({2}),
        rows=[[row.happened_at, row.get_kind_display(), points(row.count), row.by, row.note] for row in rows],
        empty=_("It was drafted; nothing has happened since."),
    )


def coupons_of_batch(batch: CouponBatch) -> Panel:
    """Return the newest coupons of a batch."""
    rows = Coupon.objects.filter(batch=batch).select_related("customer").order_by("-pk")[:NEWEST]
    return Panel(
        title=_("Coupons"),
        columns=[_("coupon"), _("customer"), _("state"), _("issued at"), _("expires at")],
        rows=[
            [
                format_html('<a href="{}">{}</a>', record_url(row), row),
                row.customer.member_number if row.customer else None,
                state_word(row),
                row.issued_at,
                row.expires_at,
            ]
            for row in rows
        ],
        empty=_("No coupon has been issued yet."),
        all_url=list_url(Coupon, batch__id__exact=batch.pk),
    )
