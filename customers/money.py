"""Fields for staff who think in 12.50, 10 % and double, where the database keeps whole minor units and basis points."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.csv_values import BadValue, read_money

PERCENT_DIGITS = 2  # 100 % are 10,000 basis points
FACTOR_DIGITS = 4  # once is 10,000 basis points


def scaled_text(value: int, digits: int) -> str:
    """Write a whole number of smallest units with a dot, as it is typed: 1250 with 2 digits is 12.50."""
    if not digits:
        return str(value)
    whole, fraction = divmod(abs(value), 10**digits)
    return f"{'-' if value < 0 else ''}{whole}.{fraction:0{digits}}"


def trimmed_text(value: int, digits: int) -> str:
    """Write like scaled_text, without zeros at the end: 1250 basis points are 12.5 %."""
    text = scaled_text(value, digits)
    return text.rstrip("0").rstrip(".") if digits else text


class ScaledField(forms.CharField):
    """A number typed with a dot and kept as a whole number of its smallest unit; never below zero.

    Only the digits 0 to 9 and one dot are read, so that nobody's 1.250 becomes one and a quarter in another language:
    digits that the unit does not have are refused.
    """

    def __init__(self, *, digits: int, **options: Any) -> None:
        # Django's number fields pass these; the model's own validators hold the bounds.
        for name in ("min_value", "max_value", "max_length", "form_class"):
            options.pop(name, None)
        self.digits = digits
        options.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "class": "vScaledField"}))
        super().__init__(strip=True, empty_value="", **options)

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, int):
            return value
        text = super().to_python(value)
        if not text:
            return None
        try:
            return read_money(text, digits=self.digits)
        except BadValue as error:
            raise ValidationError(str(error), code="invalid") from error

    def prepare_value(self, value: Any) -> Any:
        return trimmed_text(value, self.digits) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != self.to_python(initial)
        except ValidationError:
            return True


class MoneyField(ScaledField):
    """An amount in the programme's currency: 12.50 typed, 1250 kept."""

    def __init__(self, **options: Any) -> None:
        super().__init__(digits=settings.PROGRAMME_CURRENCY_DIGITS, **options)

    def prepare_value(self, value: Any) -> Any:
        return scaled_text(value, self.digits) if isinstance(value, int) else value


class PercentField(ScaledField):
    """A share: 12.5 typed for 12.5 %, 1250 basis points kept."""

    def __init__(self, **options: Any) -> None:
        super().__init__(digits=PERCENT_DIGITS, **options)


class FactorField(ScaledField):
    """How many times: 1.25 typed for a quarter more, 12,500 basis points kept."""

    def __init__(self, **options: Any) -> None:
        super().__init__(digits=FACTOR_DIGITS, **options)


def money_hint() -> str:
    """Return how money is typed, for a help text."""
    example = scaled_text(1250, settings.PROGRAMME_CURRENCY_DIGITS)
    return _("In %(currency)s, such as %(example)s.") % {"currency": settings.PROGRAMME_CURRENCY, "example": example}


PERCENT_HINT = gettext_lazy("In percent, such as 10 or 12.5.")
FACTOR_HINT = gettext_lazy("How many times: 1 is once, 2 is double, 1.25 is a quarter more.")
