"""What the shop's purchases teach about its products, and each customer's list made of it. Made by night, never by hand."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RecommendationModelQuerySet(models.QuerySet["RecommendationModel"]):
    """Which models."""

    def in_use(self) -> "RecommendationModelQuerySet":
        """Return those that have learnt, the one in use first."""
        return self.filter(learnt_at__isnull=False).order_by("-day_date")

    def current(self) -> "RecommendationModel | None":
        """Return the one in use, without what it learnt, None before the first night."""
        return self.in_use().defer(*LEARNT).first()


LEARNT = ("products", "promise", "popularity", "targets")


class RecommendationModel(models.Model):
    """One night's work: what was learnt (arrays, as bytes), how good it is, and how far the lists have come."""

    class Method(models.TextChoices):
        MODEL = "model", _("the model")
        FREQUENCY = "frequency", _("what the customer buys most often")
        POPULARITY = "popularity", _("what most customers buy")

    day_date = models.DateField(_("day"), unique=True)
    started_at = models.DateTimeField(_("started at"))
    learnt_at = models.DateTimeField(_("learnt at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    method = models.CharField(
        _("used"), max_length=10, choices=Method, default=Method.MODEL, help_text=_("What did best in this shop.")
    )
    figures = models.JSONField(
        _("figures"),
        default=dict,
        blank=True,
        help_text=_("NDCG at 10 of each way on this shop's last four weeks; empty when too few customers came back."),
    )
    measured_at = models.DateTimeField(_("measured at"), null=True, blank=True)
    customers = models.PositiveIntegerField(_("customers"), default=0)
    lists = models.PositiveIntegerField(_("lists made"), default=0)
    cursor = models.BigIntegerField(_("cursor"), default=0, editable=False)
    claim = models.UUIDField(_("claim"), null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True, editable=False)
    products = models.BinaryField(_("products"), default=bytes, editable=False)
    promise = models.BinaryField(_("promise of another purchase"), default=bytes, editable=False)
    popularity = models.BinaryField(_("popularity"), default=bytes, editable=False)
    targets = models.BinaryField(_("what may be discovered"), default=bytes, editable=False)

    objects = RecommendationModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("recommendation model")
        verbose_name_plural = _("recommendation models")
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(learnt_at__isnull=False), name="recommendationmodel_learns_first"
            ),
            models.CheckConstraint(
                condition=Q(claim=None, lease_until=None) | Q(claim__isnull=False, lease_until__isnull=False),
                name="recommendationmodel_claim_is_leased",
            ),
        ]

    def __str__(self) -> str:
        return str(self.day_date)


class ProductLinks(models.Model):
    """The products near one product: places among the model's targets and nearness, as bytes."""

    model = models.ForeignKey(RecommendationModel, on_delete=models.CASCADE, db_index=False, verbose_name=_("model"))
    product_id = models.BigIntegerField(_("product"))
    links = models.BinaryField(_("links"))

    class Meta:
        verbose_name = _("links of a product")
        verbose_name_plural = _("links of products")
        constraints = [
            models.UniqueConstraint(fields=["model", "product_id"], name="productlinks_once_per_product"),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}/{self.product_id}"


class RecommendationList(models.Model):
    """What one customer is likely to buy, best first: products, kinds and what the reasons are made of."""

    customer = models.OneToOneField(
        "customers.Customer",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="recommendation_list",
        verbose_name=_("customer"),
    )
    items = models.JSONField(_("items"), default=list)
    newest_purchase = models.BigIntegerField(
        _("newest purchase"), default=0, help_text=_("The latest receipt that the list knows.")
    )
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("list of recommendations")
        verbose_name_plural = _("lists of recommendations")

    def __str__(self) -> str:
        return f"{self.customer_id} · {len(self.items)}"
