"""Anymail's backend for Resend with its idempotency key, which Anymail does not offer.

Resend keeps a key for 24 hours: the same message sent again with the same key is answered as the first time and leaves once.
"""

from typing import Any

from anymail.backends import resend

IDEMPOTENT = True


class EmailBackend(resend.EmailBackend):
    """Send each survey mail with its message's id as the key."""

    def build_message_payload(self, message: Any, defaults: Any) -> "KeyedPayload":
        return KeyedPayload(message, defaults, self)


class KeyedPayload(resend.ResendPayload):
    """The payload of one mail, with its key as a header of the request."""

    def get_request_params(self, api_url: str) -> dict[str, Any]:
        params = super().get_request_params(api_url)
        if key := self.metadata.get("survey_message"):
            params["headers"] = {**params["headers"], "Idempotency-Key": key}
        return params
