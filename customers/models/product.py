"""What the shop sells."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.texts import LocalText


class Category(models.Model):
    """A group of products; earning rules, coupons and recommendations speak of it."""

    code = models.CharField(_("code"), max_length=100, unique=True, help_text=_("Stable; imports use it."))
    name_en = models.CharField(_("name (English)"), max_length=100)
    name_zh = models.CharField(_("name (Chinese)"), max_length=100, blank=True)
    is_sensitive = models.BooleanField(
        _("sensitive"), default=False, help_text=_("Never recommended, such as medicine.")
    )

    name = LocalText("name")

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(models.QuerySet["Product"]):
    """Which products."""

    def on_sale(self) -> "ProductQuerySet":
        """Return the products that a customer can buy today."""
        return self.filter(is_retired=False, is_in_stock=True)


class Product(models.Model):
    """One article, by its stock-keeping number."""

    sku = models.CharField(_("SKU"), max_length=64, unique=True)
    name_en = models.CharField(_("name (English)"), max_length=200)
    name_zh = models.CharField(_("name (Chinese)"), max_length=200, blank=True)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, related_name="products", verbose_name=_("category")
    )
    price = models.PositiveBigIntegerField(
        _("price"), null=True, blank=True, help_text=_("In the currency's minor unit.")
    )
    earns_points = models.BooleanField(
        _("earns points"),
        default=True,
        db_default=True,
        help_text=_(
            "Off for gift cards, shipping, tips and deposits: they earn nothing and count towards no tier and no minimum."
        ),
    )
    is_in_stock = models.BooleanField(_("in stock"), default=True)
    is_retired = models.BooleanField(_("retired"), default=False)

    name = LocalText("name")
    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        constraints = [models.CheckConstraint(condition=~Q(sku=""), name="product_has_a_sku")]

    def __str__(self) -> str:
        return f"{self.name} ({self.sku})"
