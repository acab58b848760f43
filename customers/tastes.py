"""What two records of one person like and dislike, when they become one and when they are parted again."""

from customers.models import Customer

LISTS = ("preferred_categories", "disliked_categories")


def move(*, kept: Customer, duplicate: Customer) -> dict[str, list[int]]:
    """Add what the duplicate said of categories about which the kept record says nothing, and return it."""
    said = {pk for name in LISTS for pk in _keys(kept, name)}
    new = {name: [pk for pk in _keys(duplicate, name) if pk not in said] for name in LISTS}
    for name in LISTS:
        getattr(kept, name).add(*new[name])
    return new


def take_back(*, kept: Customer, moved: dict[str, list[int]]) -> None:
    """Take from the kept record what `move` had added; the duplicate still has its own."""
    for name, keys in moved.items():
        getattr(kept, name).remove(*keys)


def _keys(customer: Customer, name: str) -> list[int]:
    return list(getattr(customer, name).order_by("pk").values_list("pk", flat=True))
