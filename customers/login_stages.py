"""Who is asked for a second factor after the first."""

from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest


class StaffAuthenticateStage(AuthenticateStage):
    """Ask staff alone. A customer who has lost the phone with the passkey still comes in through their mailbox."""

    def _should_handle(self, request: HttpRequest) -> bool:
        user = self.login.user
        return user is not None and user.is_staff and super()._should_handle(request)
