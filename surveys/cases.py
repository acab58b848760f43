"""Cases: somebody was unhappy, somebody else makes it good, and both can be looked up later."""

import datetime as dt
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.utils import translation
from django.utils.translation import gettext as _

from customers import staff_mail
from customers.models import Customer, Purchase, Store, User
from customers.timezones import zone
from surveys import verbatims
from surveys.models import Answer, Case, CaseRule, Question, Response
from surveys.models.case import OPEN_STATES

WORKING_DAYS = 2
MAY_CARE = "surveys.change_case"
# Whoever may change the rules is told of what lies too long.
MAY_MANAGE = "surveys.change_caserule"


class OutcomeMissing(Exception):
    """A resolved case must say what was wrong and what was done."""

    def __init__(self, *, case: Case) -> None:
        self.case = case
        super().__init__(_("Write down the cause and what was done before closing the case as resolved."))


def rules() -> list[CaseRule]:
    """Return the rules in use; while nobody has written any, NPS up to 6 and CSAT up to 2 open a case."""
    written = list(CaseRule.objects.order_by("pk"))
    return [rule for rule in written if rule.is_active] if written else usual_rules()


def usual_rules() -> list[CaseRule]:
    """Return the rules to begin with, not saved."""
    return [
        CaseRule(name="NPS ≤ 6", test=CaseRule.Test.RATING, question_kind=Question.Kind.NPS, at_most=6),
        CaseRule(name="CSAT ≤ 2", test=CaseRule.Test.RATING, question_kind=Question.Kind.CSAT, at_most=2),
    ]


def consider(*, response: Response, answers: Iterable[Answer], now: dt.datetime) -> Case | None:
    """Open a case when a rule says so and we may know who answered; the first rule that fits names it."""
    if response.customer is None:
        return None
    given = list(answers)
    for rule in rules():
        if rule.survey_id not in (None, response.version.survey_id):
            continue
        if (answer := next((answer for answer in given if fits(rule, answer)), None)) is not None:
            return open_case(
                customer=response.customer,
                subject=_subject(rule, answer),
                now=now,
                response=response,
                days=rule.due_days,
            )
    return None


def fits(rule: CaseRule, answer: Answer) -> bool:
    """Return whether an answer is what a rule looks for."""
    match rule.test:
        case CaseRule.Test.RATING:
            is_kind = answer.question.kind == rule.question_kind
            return is_kind and answer.number is not None and answer.number <= (rule.at_most or 0)
        case CaseRule.Test.WORDS:
            folded = verbatims.fold(answer.text) if answer.text and answer.question.kind == Question.Kind.TEXT else ""
            words = [word for line in rule.words.splitlines() if (word := verbatims.fold(line).strip())]
            return any(word in folded if verbatims.is_chinese(word[0]) else f" {word}" in folded for word in words)
        case CaseRule.Test.CHOICE:
            wanted = (rule.choice_number or 0) - 1
            return answer.question.key == rule.question_key and wanted in (answer.chosen or [])
    return False


def _subject(rule: CaseRule, answer: Answer) -> str:
    # For staff, so not in the language of the person who answered.
    with translation.override(settings.LANGUAGE_CODE):
        said = answer.number if answer.number is not None else answer.text.strip().split("\n")[0][:80]
        said = said if answer.chosen is None else ""
        kind = f"{answer.question.kind.upper()} {said}" if rule.test == CaseRule.Test.RATING else f"{rule.name}: {said}"
        return f"{kind.strip(': ')} · {answer.question.text}"


def open_case(
    *,
    customer: Customer,
    subject: str,
    now: dt.datetime,
    response: Response | None = None,
    owner: User | None = None,
    days: int = WORKING_DAYS,
) -> Case:
    """Open a case, due in some working days, give it to somebody and return it; one response opens one case."""
    with transaction.atomic():
        if response is not None and (earlier := Case.objects.filter(response=response).first()):
            return earlier
        store = store_of(customer)
        case = Case.objects.create(
            customer=customer,
            subject=subject[:200],
            response=response,
            store=store,
            owner=owner or next_owner(store=store),
            due_at=add_working_days(now, days),
            opened_at=now,
        )
        _tell_owner(case, now)
    return case


def store_of(customer: Customer) -> Store | None:
    """Return where a customer was last, else their home store: its people know best."""
    last = Purchase.objects.filter(customer=customer).newest_first().select_related("store").first()
    return last.store if last else customer.home_store


def next_owner(*, store: Store | None) -> User | None:
    """Return whose turn it is: of those at the store who may care for cases, else of all, the one whose last case is oldest.

    Nobody may: no owner, and the case waits in the list of everybody's.
    """
    may = [user.pk for user in staff_mail.who_may(MAY_CARE)]
    staff = User.objects.filter(pk__in=may).annotate(last_at=Max("cases__opened_at"))
    here = staff.filter(store=store) if store is not None else staff.none()
    for candidates in (here, staff.filter(store=None), staff):
        # Who never had one comes first on both databases.
        found = sorted(candidates, key=lambda user: (user.last_at is not None, user.last_at, user.pk))
        if found:
            return found[0]
    return None


def move(*, case: Case, state: Case.State, now: dt.datetime) -> Case:
    """Put a case into a state, closing or reopening it as the state says, save it and return it.

    The fields changed on the object are saved with it. Closing keeps the first time a case was closed; opening it again
    forgets it. Raises OutcomeMissing for a resolved case without its cause or its outcome.
    """
    if state == Case.State.RESOLVED and not (case.outcome.strip() and case.cause.strip()):
        raise OutcomeMissing(case=case)
    with transaction.atomic():
        case.state = state
        if state in OPEN_STATES:
            case.closed_at = None
        else:
            case.closed_at = case.closed_at or now
        case.save()
        _tell_owner(case, now)
    return case


def escalate(*, now: dt.datetime) -> int:
    """Tell whoever manages cases of those that are overdue, once each, and return how many there were."""
    due = Case.objects.open().filter(due_at__lt=now, escalated_at=None).order_by("pk")
    told = 0
    for case in list(due.select_related("owner")[:500]):
        with transaction.atomic():
            if not due.filter(pk=case.pk).update(escalated_at=now):
                continue
            context = {"case": case.pk, "due_at": case.due_at.isoformat(), "state": case.state}
            readers = {user.pk: user for user in staff_mail.who_may(MAY_MANAGE)}
            if case.owner and case.owner.is_active:
                readers[case.owner_id] = case.owner
            staff_mail.queue(
                kind="case_overdue", source=f"case:{case.pk}", context=context, readers=readers.values(), now=now
            )
            told += 1
    return told


def _tell_owner(case: Case, now: dt.datetime) -> None:
    """Mail the owner, once for each case they are given: a number and a time, nothing about the person."""
    if case.owner is None or case.state not in OPEN_STATES:
        return
    context = {"case": case.pk, "due_at": case.due_at.isoformat()}
    staff_mail.queue(kind="case_given", source=f"case:{case.pk}", context=context, readers=[case.owner], now=now)


def overdue(now: dt.datetime) -> Q:
    """Return the condition that a case is open and late."""
    return Q(state__in=OPEN_STATES, due_at__lt=now)


def add_working_days(moment: dt.datetime, days: int) -> dt.datetime:
    """Return the same time of day some working days later, Monday to Friday in the programme's time zone, in UTC."""
    local = moment.astimezone(zone(""))
    while days:
        local += dt.timedelta(days=1)
        days -= local.weekday() < 5
    return local.astimezone(dt.UTC)
