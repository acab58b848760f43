"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest

from customers import looks


def programme(request: HttpRequest) -> dict[str, object]:
    """Return the programme's name and look, and whether this is a developer's machine."""
    look = looks.current()
    return {
        "programme_name": look.name or settings.PROGRAMME_NAME,
        "look_version": looks.version(look),
        "has_own_colour": looks.is_coloured(look),
        "has_own_logo": bool(look.logo),
        "is_debug": settings.DEBUG,
    }
