"""Staff type 12.50, 10 and 1.25; the database keeps whole smallest units."""

import pytest
from django.core.exceptions import ValidationError

from customers.money import FactorField, MoneyField, PercentField


@pytest.mark.parametrize(("text", "kept"), [("12.50", 1250), ("12", 1200), ("0.5", 50), (" 3.00 ", 300), ("0", 0)])
def test_money_is_kept_in_minor_units(text, kept):
    assert MoneyField().clean(text) == kept


@pytest.mark.parametrize("text", ["12,50", "1.234,50", "1e3", "-1", "12.505", "１２", "1_000", "€5", "9" * 30])
def test_money_that_could_mean_something_else_is_refused(text):
    with pytest.raises(ValidationError):
        MoneyField().clean(text)


def test_nothing_typed_is_nothing_kept():
    assert MoneyField(required=False).clean("") is None
    with pytest.raises(ValidationError):
        MoneyField().clean("")


@pytest.mark.parametrize(
    ("field", "kept", "shown"),
    [
        (MoneyField(), 1250, "12.50"),
        (MoneyField(), 5, "0.05"),
        (PercentField(), 1250, "12.5"),
        (PercentField(), 1000, "10"),
        (FactorField(), 12_500, "1.25"),
        (FactorField(), 20_000, "2"),
    ],
)
def test_what_is_shown_reads_back_as_what_is_kept(field, kept, shown):
    assert field.prepare_value(kept) == shown
    assert field.clean(shown) == kept
    assert not field.has_changed(kept, shown)
    assert field.has_changed(kept, "77")
    assert field.has_changed(kept, "nonsense")
