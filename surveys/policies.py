"""Which country's rule a mail follows. A customer's country is that of their time zone: no other is known of everybody."""

from functools import cache

from babel.core import get_global

from surveys.models import MailPolicy


@cache
def country_of(time_zone: str) -> str:
    """Return the two letters of a time zone's country, empty for zones of none such as UTC."""
    country = get_global("zone_territories").get(time_zone, "")
    return "" if country == "ZZ" else country


class Rules:
    """The rules there are, read once when the first is asked for."""

    def __init__(self) -> None:
        self._rules: dict[str, MailPolicy] | None = None

    def of(self, time_zone: str) -> MailPolicy | None:
        """Return the rule of the country of a time zone, if it has one."""
        if self._rules is None:
            self._rules = by_country()
        return self._rules.get(country_of(time_zone)) if self._rules else None


def by_country() -> dict[str, MailPolicy]:
    """Return the rules there are, by country."""
    return {policy.country: policy for policy in MailPolicy.objects.order_by("country")}
