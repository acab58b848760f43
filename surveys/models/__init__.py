"""What we ask and how we listen."""

from surveys.models.campaign import Campaign
from surveys.models.case import Case, CaseRule, ContactLogEntry
from surveys.models.chat import ChatGroup, ChatPost
from surveys.models.gateway import Gateway
from surveys.models.link import LinkThanks, SurveyLink
from surveys.models.message import DeliveryEvent, MailAccount, MailReport, Message, Suppression
from surveys.models.occasion import Occasion
from surveys.models.policy import MailPolicy
from surveys.models.preference import SurveyPreference
from surveys.models.response import Answer, Response
from surveys.models.run import Invitation, Run
from surveys.models.survey import Question, Survey, SurveyVersion
from surveys.models.thanks import RewardGrant
from surveys.models.verbatim import SavedFilter, Theme, Verbatim, VerbatimTag
from surveys.models.visit import Intent
from surveys.models.wording import Wording

__all__ = [
    "Answer",
    "Campaign",
    "Case",
    "CaseRule",
    "ChatGroup",
    "ChatPost",
    "ContactLogEntry",
    "DeliveryEvent",
    "Gateway",
    "Intent",
    "Invitation",
    "LinkThanks",
    "MailAccount",
    "MailPolicy",
    "MailReport",
    "Message",
    "Occasion",
    "Question",
    "Response",
    "RewardGrant",
    "Run",
    "SavedFilter",
    "Suppression",
    "Survey",
    "SurveyLink",
    "SurveyPreference",
    "SurveyVersion",
    "Theme",
    "Verbatim",
    "VerbatimTag",
    "Wording",
]
