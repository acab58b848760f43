"""Fields that several operations on purchases, points and coupons have in common."""

from typing import Annotated

from django.utils.translation import gettext_noop
from pydantic import Field

from customers.api.fields import text

MOST_LINES = 500
MOST_CARDS = 5
MOST_COUPONS = 5
LARGEST_QUANTITY = 9_999
Quantity = Annotated[int, Field(ge=1, le=LARGEST_QUANTITY, examples=[2])]
Position = Annotated[int, Field(ge=1, le=MOST_LINES, description=gettext_noop("Counted from 1."), examples=[1])]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Currency = Annotated[str, Field(description=gettext_noop("ISO 4217; amounts are in its minor unit."), examples=["EUR"])]

Code = Annotated[
    text(40, "ABCD-EFGH-JKMN"),
    Field(description=gettext_noop("As printed or scanned; case, blanks and dashes do not matter.")),
]
