"""Amounts typed at a till instead of products: each category has a product that stands for them."""

from customers.models import Category, Product

SKU = "open-amount"


def product_of(category: Category | None) -> Product:
    """Return the product that stands for an amount typed at the till, one for each category and one without.

    It is never in stock, so that nobody is recommended an amount.
    """
    sku = f"{SKU}:{category.code}"[:64] if category else SKU
    names = (
        {"name_en": category.name_en, "name_zh": category.name_zh}
        if category
        else {"name_en": "Amount", "name_zh": "金额"}
    )
    product, _is_new = Product.objects.get_or_create(
        sku=sku, defaults=names | {"category": category, "is_in_stock": False}
    )
    return product
