"""The life of an earning rule: draft, in force, retired."""

import datetime as dt

import pytest

from customers.tests.factories import NOON, create_user
from rewards import rules
from rewards.models import EarningRule
from rewards.tests.factories import create_rule

pytestmark = pytest.mark.django_db
LATER = NOON + dt.timedelta(days=1)


def test_a_new_version_copies_everything_but_its_life():
    rule, alice = create_rule(points=3, per_amount=200, name_zh="规则"), create_user()
    draft = rules.draft_from(rule=rule, by=alice)
    assert (draft.key, draft.version, draft.points, draft.per_amount, draft.name_zh) == ("base", 2, 3, 200, "规则")
    assert (draft.published_at, draft.retired_at, draft.by) == (None, None, alice)
    assert rules.draft_from(rule=rule, by=create_user()) == draft
    assert EarningRule.objects.count() == 2


def test_publishing_retires_the_version_before_at_the_same_instant():
    rule, alice = create_rule(), create_user()
    draft = rules.draft_from(rule=rule, by=alice)
    bob = create_user()
    published = rules.publish(rule=draft, now=LATER, by=bob)
    rule.refresh_from_db()
    assert (published.published_at, rule.retired_at, published.by) == (LATER, LATER, bob)
    assert list(EarningRule.objects.live()) == [published]


def test_publishing_twice_is_refused():
    rule = create_rule()
    with pytest.raises(rules.RuleAlreadyPublished, match="base v1 is published already"):
        rules.publish(rule=rule, now=LATER, by=create_user())
    rule.refresh_from_db()
    assert rule.published_at == NOON


def test_other_rules_stay_in_force():
    other, rule = create_rule(key="other"), create_rule()
    rules.publish(rule=rules.draft_from(rule=rule, by=create_user()), now=LATER, by=create_user())
    assert EarningRule.objects.live().filter(pk=other.pk).exists()


def test_a_rule_is_retired_once():
    rule = create_rule()
    assert rules.retire(rule=rule, now=LATER).retired_at == LATER
    with pytest.raises(rules.RuleNotLive):
        rules.retire(rule=rule, now=LATER)
