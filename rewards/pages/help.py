"""How the programme works, in the shop's own figures, for members and for those who think about it."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from customers.models import Store
from rewards import explaining
from rewards.models import EarningRule


@login_not_required
@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Answer what people ask: how points come, what they are worth, how long they last, what tiers and coupons are."""
    now = timezone.now()
    rules = list(EarningRule.objects.live().select_related("product", "category", "store"))
    context = {
        "earning": explaining.earning_sentences(rules=rules, now=now),
        "worth": explaining.worth_sentence(),
        "waiting": explaining.waiting_sentence(),
        "expiry": explaining.expiry_sentences(rules=rules, now=now),
        "steps": explaining.steps(),
        "stores": Store.objects.open().order_by("name_en", "pk")[:30],
        "contact": settings.DEFAULT_FROM_EMAIL,
        "postal_address": settings.POSTAL_ADDRESS,
    }
    return render(request, "rewards/help.html", context)
