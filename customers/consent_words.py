"""What somebody agreed to, word for word, and where they said so.

A consent keeps the key and version of the sentence that was shown. A sentence is never changed here: a new meaning gets a new
version, and the old one stays for those who read it. The forms take their labels from here.
"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

SENTENCES = {
    "join-offers:1": gettext_lazy("Yes, mail me coupons, offers and small surprises."),
    "join-surveys:1": gettext_lazy("Yes, mail me a short survey now and then, so that the shop hears what I think."),
    "till-offers:1": gettext_lazy("“Yes, mail me offers and surprises. I can stop that in every mail.”"),
    "till-surveys:1": gettext_lazy("“Yes, mail me a short survey now and then. I can stop that in every mail.”"),
    "offer-mail:1": gettext_lazy("Mail me coupons, offers and small surprises."),
    "survey-mail:1": gettext_lazy("Mail me a short survey now and then, so that the shop hears what I think."),
    # The page for privacy has a sentence for each purpose, with a switch for each channel.
    "privacy-page:1 marketing": gettext_lazy("Coupons, offers and small surprises"),
    "privacy-page:1 surveys": gettext_lazy("Short surveys now and then"),
    # Buttons behind the links in mails.
    "opt-out:1": gettext_lazy("Send me no more"),
    "survey-preferences:1": gettext_lazy("Neither surveys nor offers"),
}
PLACES = {
    "portal:join": gettext_lazy("when you joined"),
    "portal:profile": gettext_lazy("in your profile"),
    "portal:privacy": gettext_lazy("on the page about your data"),
    "till": gettext_lazy("at the till"),
    "import": gettext_lazy("in a list that the shop took over"),
    "api": gettext_lazy("through another system of the shop"),
    "mail": gettext_lazy("by a link in a mail"),
    "unsubscribe": gettext_lazy("by a link in a mail"),
    "merge": gettext_lazy("when two records of yours became one"),
}


def sentence(*, wording: str, purpose: str) -> str:
    """Return the sentence behind a key; what the portal never showed, such as the key of a till's own form, as it is."""
    return str(SENTENCES.get(wording) or SENTENCES.get(f"{wording} {purpose}") or wording)


def place(source: str) -> str:
    """Return in words where a consent was given or withdrawn."""
    return str(PLACES.get(source) or PLACES.get(source.partition(":")[0]) or _("noted by the shop"))
