"""Every model says what it knows of customers, how that is handed out, and what an erasure leaves. docs/privacy.md shows how."""

import pytest
from django.db import models

from customers import privacy
from customers.privacy import Rule


@pytest.mark.parametrize("model", privacy.all_models(), ids=lambda model: model._meta.label)
def test_a_model_says_what_it_knows_of_customers(model: type[models.Model]) -> None:
    assert privacy.gaps(model) == []


def test_no_rule_speaks_of_what_does_not_exist() -> None:
    assert list(privacy.stale()) == []


class TestTheWalkSees:
    """The guard itself: each kind of omission is found, and the sentence says what to write."""

    def told(self, monkeypatch: pytest.MonkeyPatch, label: str, rule: Rule | None) -> str:
        known = {**privacy._rules, label: rule}
        if rule is None:
            del known[label]
        monkeypatch.setattr(privacy, "_rules", known)
        (model,) = [each for each in privacy.all_models() if each._meta.label == label]
        return "\n".join(privacy.gaps(model))

    def test_a_model_without_a_rule(self, monkeypatch):
        told = self.told(monkeypatch, "surveys.ContactLogEntry", None)
        assert "surveys.ContactLogEntry has no privacy rule" in told
        assert "about_customer('surveys.ContactLogEntry', link='customer'" in told
        assert "surveys/privacy_rules.py" in told
        assert "free fields: topic, text, link, follow_up_date" in told

    def test_a_model_of_a_library_without_a_rule(self, monkeypatch):
        assert "customers/privacy_rules.py" in self.told(monkeypatch, "account.EmailAddress", None)

    def test_a_field_that_may_hold_anything(self, monkeypatch):
        rule = Rule(model="rewards.PointTransaction", link="customer", shown=frozenset({"source", "reason"}))
        told = self.told(monkeypatch, rule.model, rule)
        assert "rewards.PointTransaction.note needs a word in rewards/privacy_rules.py" in told
        assert '{"note": ""}' in told
        assert "PointTransaction.mac needs" in told
        assert "PointTransaction.source" not in told

    def test_a_field_that_is_said_twice(self, monkeypatch):
        rule = Rule(
            model="surveys.Answer", link="response__customer", shown=frozenset({"chosen", "text"}), erased={"text": ""}
        )
        assert "surveys.Answer.text is said twice" in self.told(monkeypatch, rule.model, rule)

    @pytest.mark.parametrize("link", ["nobody", "transaction__store"])
    def test_a_link_that_leads_to_no_customer(self, monkeypatch, link):
        rule = Rule(model="rewards.LotAllocation", link=link)
        assert f"link {link!r}" in self.told(monkeypatch, rule.model, rule)

    @pytest.mark.parametrize("label", ["rewards.PointLot", "rewards.LotAllocation", "surveys.Message"])
    def test_a_model_with_customers_that_says_it_has_none(self, monkeypatch, label):
        told = self.told(monkeypatch, label, Rule(model=label, because="so they say"))
        assert f"must say about_customer('{label}'" in told

    def test_what_joins_two_models_when_one_of_them_is_a_person(self, monkeypatch):
        rule = Rule(model="rewards.CouponBatch", link="customer")
        told = self.told(monkeypatch, "rewards.CouponBatch", rule)
        assert "leads nowhere" in told
        (joined,) = [each for each in privacy.all_models() if each._meta.label == "rewards.CouponBatch_tiers"]
        assert "rewards.CouponBatch_tiers has no privacy rule" in privacy.gaps(joined)[0]
