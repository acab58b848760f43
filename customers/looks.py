"""The look that every page and mail wears. It is read once in a while, not for every page."""

import hashlib
import io
import threading
import time

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from customers.models import Look

SECONDS = 20  # another process shows a change after so long
LARGEST_FILE, LARGEST_SIDE, KEPT_SIDE = 2_000_000, 6_000, 512
FORMATS = ("PNG", "JPEG", "WEBP")


class _Seen(threading.local):
    """What this thread read last, and when."""

    look: Look | None = None
    until = 0.0


_seen = _Seen()


def current() -> Look:
    """Return the look as it was within the last seconds; the portal's own when the merchant has said nothing."""
    if _seen.look is None or time.monotonic() > _seen.until:
        try:
            keep(Look.objects.filter(pk=1).first() or Look())
        except DatabaseError:
            # A page that needs no database still has a face.
            return Look()
    return _seen.look


def keep(look: Look, *, seconds: float = SECONDS) -> None:
    """Remember a look for some seconds, after a change at once."""
    _seen.look, _seen.until = look, time.monotonic() + seconds


def forget() -> None:
    """Read the look again the next time."""
    _seen.look = None


def name() -> str:
    """Return what the programme is called, in the language of the moment."""
    return current().name or settings.PROGRAMME_NAME


def version(look: Look) -> str:
    """Return what changes with the look, for addresses that may be kept for ever."""
    return hashlib.sha256(f"{look.colour}:".encode() + bytes(look.logo)).hexdigest()[:16]


def is_coloured(look: Look) -> bool:
    """Whether the merchant has a colour of their own."""
    return look.colour != Look.DEFAULT_COLOUR


def read_logo(data: bytes) -> bytes:
    """Return an uploaded picture as a PNG of at most 512 pixels, without whatever else the file carried.

    Raises ValidationError for a file that is too large or no picture.
    """
    if len(data) > LARGEST_FILE:
        raise ValidationError(_("The file is larger than 2 MB."))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if max(picture.size) > LARGEST_SIDE:
                raise ValidationError(_("The picture is more than 6,000 pixels wide or high."))
            picture.load()
            small = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise ValidationError(_("This is no PNG, JPEG or WebP picture that can be read.")) from error
    small.thumbnail((KEPT_SIDE, KEPT_SIDE))
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True)
    return out.getvalue()


def icon(look: Look, *, size: int) -> bytes:
    """Return the logo as a square icon for a phone's home screen: on white, with the margin that a mask may cut off."""
    with Image.open(io.BytesIO(bytes(look.logo))) as logo:
        logo.thumbnail((size * 6 // 10, size * 6 // 10))
        square = Image.new("RGB", (size, size), "white")
        square.paste(logo, ((size - logo.width) // 2, (size - logo.height) // 2), logo if logo.mode == "RGBA" else None)
    out = io.BytesIO()
    square.save(out, "PNG", optimize=True)
    return out.getvalue()
