"""What Anymail's webhooks bring. Each receiver stores one thing and leaves the rest to a task."""

from typing import Any

from anymail.exceptions import AnymailInvalidAddress
from anymail.signals import AnymailInboundEvent, AnymailTrackingEvent, inbound, tracking
from django.conf import settings
from django.utils import timezone

from surveys import links, reports, suppression, tasks
from surveys.models import Invitation


def connect() -> None:
    """Listen to Anymail."""
    tracking.connect(take_report, dispatch_uid="surveys.take_report")
    inbound.connect(take_mail, dispatch_uid="surveys.take_mail")


def take_report(sender: Any, event: AnymailTrackingEvent, esp_name: str, **kwargs: Any) -> None:
    """Store what happened to a mail."""
    if reports.take_in(event=event, esp=esp_name, now=timezone.now()):
        tasks.ring(tasks.read_reports)


def take_mail(sender: Any, event: AnymailInboundEvent, esp_name: str, **kwargs: Any) -> None:
    """Unsubscribe whoever's mail program wrote to the address in List-Unsubscribe; every other mail is left alone."""
    try:
        written_to = [it.addr_spec for it in event.message.to]
    except AnymailInvalidAddress:
        written_to = []
    local, _at, domain = settings.UNSUBSCRIBE_EMAIL.rpartition("@")
    for address in [event.message.envelope_recipient or "", *written_to]:
        name, _at, host = address.rpartition("@")
        begin, _plus, token = name.partition("+")
        if local and begin.lower() == local.lower() and host.lower() == domain.lower():
            pk = links.read(token, purpose=links.Purpose.UNSUBSCRIBE)
            invitation = Invitation.objects.filter(pk=pk).first() if pk else None
            if invitation is not None:
                suppression.unsubscribe(invitation=invitation, source=f"mail:{invitation.pk}", now=timezone.now())
                return
