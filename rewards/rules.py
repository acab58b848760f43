"""The life of an earning rule: a draft is edited, a published version never; a change is a new version."""

import datetime as dt

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from customers.models import User
from rewards.models import EarningRule


class RuleAlreadyPublished(Exception):
    """The version was published before; a change needs a new version."""

    def __init__(self, *, rule: EarningRule) -> None:
        self.rule = rule
        super().__init__(_("%(rule)s is published already.") % {"rule": rule})


class RuleNotLive(Exception):
    """The version is not in force, so there is nothing to retire."""

    def __init__(self, *, rule: EarningRule) -> None:
        self.rule = rule
        super().__init__(_("%(rule)s is not in force.") % {"rule": rule})


def publish(*, rule: EarningRule, now: dt.datetime, by: User) -> EarningRule:
    """Put a draft in force and retire the version before it, at the same instant; return the published version.

    `by` becomes the person answerable for the version. Purchases recorded from now on follow it; awards made before keep
    theirs. Raises RuleAlreadyPublished.
    """
    with transaction.atomic():
        versions = {version.pk: version for version in _lock(rule.key)}
        rule = versions[rule.pk]
        if rule.is_published:
            raise RuleAlreadyPublished(rule=rule)
        EarningRule.objects.live().filter(key=rule.key).order_by().update(retired_at=now)
        rule.published_at, rule.by = now, by
        rule.save(update_fields=["published_at", "by"])
    return rule


def draft_from(*, rule: EarningRule, by: User) -> EarningRule:
    """Copy a version into a draft with the next number and return it; an open draft of the rule is returned as it is."""
    with transaction.atomic():
        versions = _lock(rule.key)
        for version in versions:
            if not version.is_published:
                return version
        draft = EarningRule.objects.get(pk=rule.pk)
        draft.pk, draft._state.adding = None, True
        draft.version = EarningRule.objects.filter(key=rule.key).aggregate(last=Max("version"))["last"] + 1
        draft.published_at = draft.retired_at = None
        draft.by = by
        draft.created_at = EarningRule._meta.get_field("created_at").get_default()
        draft.save(force_insert=True)
    return draft


def retire(*, rule: EarningRule, now: dt.datetime) -> EarningRule:
    """Take a version out of force without a successor and return it. Raises RuleNotLive."""
    with transaction.atomic():
        rule = EarningRule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
        if not rule.is_published or rule.retired_at is not None:
            raise RuleNotLive(rule=rule)
        rule.retired_at = now
        rule.save(update_fields=["retired_at"])
    return rule


def _lock(key: str) -> list[EarningRule]:
    return list(EarningRule.objects.select_for_update(of=("self",)).filter(key=key).order_by("version"))
