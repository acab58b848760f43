"""Members bring friends: what both get for it, each member's code, and what became of each friend."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ReferralOffer(models.Model):
    """What a friend gets for joining and a member for having brought them; one offer is in force at a time.

    A referral keeps the offer it was made under, so another offer is another row and changes no promise.
    """

    friend_points = models.PositiveIntegerField(
        _("points for the friend"), default=0, help_text=_("On joining, unless something has to be looked at first.")
    )
    friend_batch = models.ForeignKey(
        "rewards.CouponBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("coupon for the friend"),
    )
    advocate_points = models.PositiveIntegerField(
        _("points for the member"),
        default=0,
        help_text=_("When the friend's first purchase can no longer be brought back."),
    )
    advocate_batch = models.ForeignKey(
        "rewards.CouponBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("coupon for the member"),
    )
    minimum_total = models.PositiveBigIntegerField(
        _("smallest purchase"), default=0, help_text=_("What the friend has bought and kept with one receipt.")
    )
    return_days = models.PositiveSmallIntegerField(
        _("days to wait"),
        default=14,
        validators=[MaxValueValidator(365)],
        help_text=_("After the friend's purchase; a store whose points wait longer decides."),
    )
    most_a_year = models.PositiveSmallIntegerField(
        _("most friends in a year"),
        default=10,
        validators=[MinValueValidator(1)],
        help_text=_("Of one member, in any 365 days. Whoever comes after that joins without gifts."),
    )
    expiry_months = models.PositiveSmallIntegerField(
        _("expiry months"),
        default=12,
        validators=[MinValueValidator(1)],
        help_text=_("Of the points, then to the end of that month."),
    )
    is_active = models.BooleanField(_("in force"), default=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("by"),
    )

    class Meta:
        verbose_name = _("offer for bringing friends")
        verbose_name_plural = _("offers for bringing friends")
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"],
                condition=Q(is_active=True),
                name="referraloffer_one_in_force",
                violation_error_message=_("Another offer is in force. Switch that one off first."),
            ),
            models.CheckConstraint(
                condition=Q(friend_points__gt=0)
                | Q(advocate_points__gt=0)
                | Q(friend_batch__isnull=False)
                | Q(advocate_batch__isnull=False),
                name="referraloffer_gives_something",
                violation_error_message=_("Say what the friend or the member gets."),
            ),
            models.CheckConstraint(
                condition=Q(most_a_year__gt=0, expiry_months__gt=0, return_days__lte=365),
                name="referraloffer_has_sensible_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.friend_points} + {self.advocate_points}"


class ReferralCode(models.Model):
    """The code in a member's own link. It is no secret, and tells nothing of the member."""

    customer = models.OneToOneField(
        "customers.Customer", on_delete=models.CASCADE, related_name="referral_code", verbose_name=_("customer")
    )
    code = models.CharField(_("code"), max_length=16, unique=True)
    device_digest = models.CharField(
        _("digest of the device"), max_length=64, blank=True, editable=False, help_text=_("On which the link was made.")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("referral code")
        verbose_name_plural = _("referral codes")
        constraints = [models.CheckConstraint(condition=~Q(code=""), name="referralcode_is_not_empty")]

    def __str__(self) -> str:
        return self.code


class Referral(models.Model):
    """One friend who joined by a member's link."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting for a purchase")
        HELD = "held", _("to be looked at")
        GIVEN = "given", _("gift given")
        REFUSED = "refused", _("refused")
        CAPPED = "capped", _("above the most in a year")

    class Doubt(models.TextChoices):
        """Why somebody has to look at it first."""

        OWN_ADDRESS = "own_address", _("The friend's e-mail address is the member's own, but for dots or a “+”.")
        OWN_PHONE = "own_phone", _("Friend and member have the same phone number.")
        CIRCLE = "circle", _("The friend's address belongs to whoever once brought the member.")
        REPEATED = "repeated", _("An address like this one was brought before.")
        OWN_DEVICE = "own_device", _("The friend joined on the device on which the link was made.")
        DEVICE_BURST = "device_burst", _("Several friends joined on one device within a day.")
        MEMBER_BURST = "member_burst", _("Many friends of one member joined within a day.")

    offer = models.ForeignKey(
        ReferralOffer, on_delete=models.PROTECT, related_name="referrals", verbose_name=_("offer")
    )
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="referrals", verbose_name=_("member")
    )
    friend = models.OneToOneField(
        "customers.Customer", on_delete=models.PROTECT, related_name="referred_by", verbose_name=_("friend")
    )
    state = models.CharField(_("state"), max_length=10, choices=State)
    doubts = models.JSONField(_("doubts"), default=list, blank=True, help_text=_("Keys of the reasons to look."))
    address_digest = models.CharField(_("digest of the address"), max_length=64, editable=False)
    device_digest = models.CharField(_("digest of the device"), max_length=64, blank=True, editable=False)
    joined_at = models.DateTimeField(_("joined at"))
    friend_given_at = models.DateTimeField(_("friend's gift given at"), null=True, blank=True)
    purchase = models.ForeignKey(
        "customers.Purchase",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("first kept purchase"),
    )
    given_at = models.DateTimeField(_("member's gift given at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        constraints = [
            models.CheckConstraint(condition=~Q(friend=F("customer")), name="referral_is_of_somebody_else"),
            models.CheckConstraint(
                condition=Q(state="given", given_at__isnull=False, purchase__isnull=False)
                | ~Q(state="given") & Q(given_at=None),
                name="referral_given_for_a_purchase",
            ),
            models.CheckConstraint(
                condition=~Q(state="capped") | Q(friend_given_at=None),
                name="referral_above_the_most_gives_nothing",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-joined_at"], name="referral_of_member"),
            models.Index(fields=["address_digest"], name="referral_address"),
            models.Index(fields=["device_digest", "-joined_at"], name="referral_device"),
            models.Index(fields=["id"], condition=Q(state="waiting"), name="referral_waiting"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.get_state_display()}"
