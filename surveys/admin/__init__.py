"""The admin of surveys: thin doors to the domain modules."""

from surveys.admin.accounts import MailAccountAdmin
from surveys.admin.campaigns import CampaignAdmin
from surveys.admin.care import CaseAdmin, CaseRuleAdmin, ContactLogAdmin
from surveys.admin.chats import ChatGroupAdmin, ChatPostAdmin
from surveys.admin.comments import ThemeAdmin
from surveys.admin.gateways import GatewayAdmin
from surveys.admin.grants import RewardGrantAdmin
from surveys.admin.history import DeliveryEventAdmin, InvitationAdmin, MessageAdmin, ResponseAdmin, SuppressionAdmin
from surveys.admin.links import SurveyLinkAdmin
from surveys.admin.policies import MailPolicyAdmin
from surveys.admin.questionnaires import SurveyAdmin
from surveys.admin.runs import RunAdmin

__all__ = [
    "CampaignAdmin",
    "CaseAdmin",
    "CaseRuleAdmin",
    "ChatGroupAdmin",
    "ChatPostAdmin",
    "ContactLogAdmin",
    "DeliveryEventAdmin",
    "GatewayAdmin",
    "InvitationAdmin",
    "MailAccountAdmin",
    "MailPolicyAdmin",
    "MessageAdmin",
    "ResponseAdmin",
    "RewardGrantAdmin",
    "RunAdmin",
    "SuppressionAdmin",
    "SurveyAdmin",
    "SurveyLinkAdmin",
    "ThemeAdmin",
]
