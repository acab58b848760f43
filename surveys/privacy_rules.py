"""What the models of this app know of customers (customers/privacy.py)."""

from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from customers.privacy import about_customer, closing, no_person, outside
from surveys import closing as closes
from surveys import mentions

no_person(
    "surveys.Survey surveys.SurveyVersion surveys.Question surveys.Campaign surveys.Run surveys.Wording",
    because="what the shop asks, and when",
)
no_person("surveys.MailAccount surveys.MailPolicy", because="how fast mails leave, and what the law asks of them")
no_person("surveys.MailReport", because="a mail's number and a hash, gone once it is understood")
no_person("surveys.Suppression", because="a hash that names nobody, kept so that no mail leaves after an erasure")

about_customer(
    "surveys.Invitation", link="customer", stays="moves but for runs to which both were invited (surveys/belongings.py)", shown="language time_zone",
    # The mailbox keeps invitations of one run apart, so it needs a value of its own.
    erased={"email": "", "email_normalised": Concat(Value("erased-"), Cast("pk", CharField())), "name": ""},
)  # fmt: skip
about_customer("surveys.Occasion", link="customer", shown="source")
about_customer(
    "surveys.Message", link="invitation__customer", shown="provider_id", erased={"error": ""}, withheld="replay_account"
)
about_customer(
    "surveys.DeliveryEvent", link="message__invitation__customer", shown="esp kind", erased={"detail": {}},
    withheld="dedupe_key",
)  # fmt: skip
about_customer("surveys.Intent", link="invitation__customer")
about_customer(
    "surveys.SurveyPreference",
    link="customer",
    stays="the stricter wish stands (surveys/belongings.py)",
    is_deleted=True,
)
about_customer("surveys.RewardGrant", link="invitation__customer", shown="reasons granted_date")
about_customer("surveys.Response", link="customer", shown="channel language flags")
about_customer("surveys.Answer", link="response__customer", shown="chosen", erased={"text": ""})
about_customer("surveys.Case", link="customer", erased={"subject": "–", "cause": "–", "outcome": "–"})
about_customer(
    "surveys.LinkThanks", link="customer", stays="moves but for campaigns that thanked both (surveys/belongings.py)"
)
about_customer(
    "surveys.ContactLogEntry", link="customer", shown="follow_up_date", erased={"topic": "–", "text": "", "link": ""}
)
about_customer("surveys.Verbatim", link="answer__response__customer", erased={"folded": ""})
no_person(
    "surveys.VerbatimTag surveys.Theme surveys.SavedFilter surveys.CaseRule surveys.SurveyLink surveys.ChatGroup surveys.ChatPost surveys.Gateway",
    because="written by staff about what is said, not about who says it",
)
about_customer("surveys.Verbatim_tags", link="verbatim__answer__response__customer")

outside("answers that the shop must not know to be theirs, or of nobody", erase=mentions.answers)

closing("surveys", close=closes.close)
