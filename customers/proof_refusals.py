"""Why a customer may not spend at the till: the complete list, as the till says it."""

import datetime as dt

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.timezones import zone


class Reason(models.TextChoices):
    """Why a proof was not accepted."""

    STATIC_CODE = (
        "static_code",
        gettext_lazy(
            "This number only says who somebody is and collects points. To spend, the customer shows the code on their phone, "
            "types the till PIN, or reads out a mailed code."
        ),
    )
    CODE_UNKNOWN = "code_unknown", gettext_lazy("This is no code of a member card.")
    CODE_OLD = "code_old", gettext_lazy("This code is older than 60 seconds. Please scan the one on the phone now.")
    CODE_USED = "code_used", gettext_lazy("This code was used before. Please scan the next one on the phone.")
    OTHER_CUSTOMER = "other_customer", gettext_lazy("This belongs to another customer.")
    PIN_MISSING = "pin_missing", gettext_lazy("This customer has not chosen a till PIN.")
    PIN_WRONG = "pin_wrong", gettext_lazy("The till PIN is wrong.")
    PIN_LOCKED = "pin_locked", gettext_lazy("The till PIN is locked after too many wrong tries.")
    NO_ADDRESS = "no_address", gettext_lazy("No e-mail address of this customer is known.")
    TOO_MANY_MAILS = "too_many_mails", gettext_lazy("This customer was mailed several codes already; wait a while.")
    MAIL_NOT_SENT = "mail_not_sent", gettext_lazy("The mail could not be sent. Please try another way.")
    NO_MAILED_CODE = "no_mailed_code", gettext_lazy("No mailed code is waiting; mail a new one.")
    MAILED_CODE_WRONG = "mailed_code_wrong", gettext_lazy("The mailed code is wrong.")
    HELD = "held", gettext_lazy("The customer's e-mail address was changed a short while ago, so spending has to wait.")
    PROOF_MISSING = "proof_missing", gettext_lazy("Spending needs the customer's code, till PIN or mailed code.")
    PROOF_OLD = "proof_old", gettext_lazy("The customer was asked too long ago. Please ask again.")
    PROOF_USED = "proof_used", gettext_lazy("The customer agreed to one spending, and that is done. Please ask again.")


class ProofRefused(Exception):
    """The customer has not shown that they may spend; nothing was spent. The text is for the till.

    `tries_left` and `until` say, where it matters, how many tries there are and when it ends.
    """

    def __init__(self, reason: Reason, *, tries_left: int | None = None, until: dt.datetime | None = None) -> None:
        self.reason, self.tries_left, self.until = reason, tries_left, until
        words = [str(reason.label)]
        if tries_left is not None:
            words.append(_("Tries left: %(tries)d.") % {"tries": tries_left})
        if until is not None:
            words.append(_("Until %(moment)s.") % {"moment": f"{until.astimezone(zone('')):%Y-%m-%d %H:%M}"})
        super().__init__(" ".join(words))
