"""Whatever people press while the clock runs, in any order: the invariants of the ledger hold after every step."""

import datetime as dt

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from surveys import audience, campaigns, claiming, mailing, proof, reminders, runs, suppression
from surveys.models import Campaign, Message, Run
from surveys.outcomes import Outcome, Verdict
from surveys.tests.factories import NOW, create_asker, create_campaign, create_survey

DAY = dt.timedelta(days=1)
ENDS = [Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.UNCERTAIN, Verdict.FAILED]


class CampaignMachine(RuleBasedStateMachine):
    """Two campaigns to four people; every press, every tick and every mail is a step."""

    def __init__(self) -> None:
        super().__init__()
        # Each history is rolled back; a durable transaction inside takes this for the test case's own.
        self.atom = transaction.atomic()
        self.atom._from_testcase = True
        self.atom.__enter__()

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.people = [create_asker() for _number in range(4)]
        survey = create_survey()
        self.campaigns = [
            create_campaign(survey=survey, name=f"C{number}", hour_from=0, hour_until=24, priority=4 + number,
                            reminders=2, scheduled_at=NOW)
            for number in range(2)
        ]  # fmt: skip
        self.unsubscribed: set[int] = set()
        for campaign in self.campaigns:
            campaigns.schedule(campaign=campaign, by=None, now=NOW)

    @rule(
        which=st.integers(0, 1), press=st.sampled_from(["schedule", "pause", "resume", "resume", "cancel", "archive"])
    )
    def press(self, which: int, press: str) -> None:
        refusals = (campaigns.CampaignNotInState, campaigns.CampaignNotReady, campaigns.CampaignNotScheduled)
        more = {"by": None} if press == "schedule" else {}
        try:
            getattr(campaigns, press)(campaign=self.campaigns[which], now=self.now, **more)
        except (*refusals, runs.RunNotInPhase):
            return

    @rule(hours=st.sampled_from([1, 24, 96, 24 * 31]))
    def wait(self, hours: int) -> None:
        self.now += dt.timedelta(hours=hours)

    @rule()
    def tick(self) -> None:
        campaigns.plan_due_runs(now=self.now)
        for run in Run.objects.filter(phase=Run.Phase.PREPARING):
            audience.prepare(run=run, now=self.now)
        reminders.plan_due(now=self.now)
        runs.close_due(now=self.now)

    @rule(who=st.integers(0, 3))
    def unsubscribe(self, who: int) -> None:
        invitation = self.people[who].invitations.filter(skip="").first()
        if invitation:
            suppression.unsubscribe(invitation=invitation, source="test", now=self.now)
            self.unsubscribed.add(self.people[who].pk)

    @rule(end=st.sampled_from(ENDS))
    def send(self, end: Verdict) -> None:
        """Send one mail of each run that is due, with this outcome, as the mail server would give it."""
        self.tick()
        for run in Run.objects.filter(phase=Run.Phase.SENDING).order_by("campaign__priority", "pk"):
            left = Message.objects.filter(run=run, state="queued", not_before__lte=self.now).first()
            if left is None:
                continue
            batch = claiming.claim(run_id=run.pk, now=self.now, most=1)
            for message in mailing.begin(batch, now=self.now):
                values = mailing._after(Outcome(end), message, self.now, is_replay=False)
                Message.objects.filter(pk=message.pk, state="sending").update(**values)
                assert message.invitation.customer_id not in self.unsubscribed
            mailing.write_back(batch, now=self.now)

    @invariant()
    def the_ledger_is_right(self) -> None:
        if not hasattr(self, "campaigns"):
            return
        assert proof.all_of_it(grace=dt.timedelta(0)) == {}
        for run in Run.objects.all():
            assert proof.does_not_add_up(run=run) == 0
        # Nothing leaves once a campaign is cancelled, and only what is scheduled has runs that are being sent.
        for campaign in Campaign.objects.filter(state__in=["cancelled", "paused", "archived"]):
            assert not campaign.runs.filter(phase=Run.Phase.SENDING).exists() or campaign.state == "archived"
            if campaign.state == "cancelled":
                assert not Message.objects.filter(run__campaign=campaign, state="queued").exists()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atom.__exit__(None, None, None)


@pytest.mark.django_db
def test_the_invariants_hold_whatever_is_pressed() -> None:
    run_state_machine_as_test(
        CampaignMachine,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
