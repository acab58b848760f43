"""The pages behind the links of a survey mail. A GET records no answer: link scanners press every button in a mail."""

from surveys.views.answering import answer, answer_test, read_mail
from surveys.views.public import survey_link
from surveys.views.unsubscribing import preferences, unsubscribe

__all__ = ["answer", "answer_test", "preferences", "read_mail", "survey_link", "unsubscribe"]
