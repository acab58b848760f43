"""What staff are told about the API."""

import datetime as dt

from customers import staff_mail
from customers.models import ApiKey


def tell_of_misses(*, key: ApiKey, misses: int, seconds: int, now: dt.datetime) -> None:
    """Tell those who look after the keys that a client guesses: once an hour at most."""
    staff_mail.queue(
        kind="api_key_stopped",
        source=f"{key.client}:{now:%Y-%m-%dT%H}",
        context={"key": key.pk, "client": key.client, "misses": misses, "minutes": seconds // 60},
        readers=staff_mail.who_may("customers.change_apikey"),
        now=now,
    )
