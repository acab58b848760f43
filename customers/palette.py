"""One colour of the merchant's, and every shade that the pages need of it: always readable, in light and in dark.

Contrast is that of WCAG 2.2 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio). A shade that would be too faint is moved
towards black or white until it reaches 4.5 to 1; the merchant's colour itself is kept wherever it can be read.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

READABLE = 4.5
HEX = re.compile(r"#[0-9a-f]{6}")
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
STEPS = 100

type Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Ground:
    """What text stands on in a scheme: the sheet and the paper below it."""

    surface: Colour
    paper: Colour


LIGHT = Ground(surface=(255, 253, 250), paper=(247, 243, 236))
DARK = Ground(surface=(31, 26, 23), paper=(20, 17, 15))


def parse(text: str) -> Colour:
    """Return the parts of a colour such as #b3361b. Raises ValueError for anything else."""
    if not HEX.fullmatch(text.lower()):
        raise ValueError(text)
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def write(colour: Colour) -> str:
    """Write a colour as style sheets want it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def contrast(one: Colour, other: Colour) -> float:
    """Return how far two colours stand apart, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return a colour with a share, 0 to 1, of another in it."""
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))  # type: ignore[return-value]


def shades(text: str) -> dict[str, dict[str, str]]:
    """Return the style sheet's variables for both schemes made of one colour. Raises ValueError."""
    colour = parse(text)
    return {"light": _shades(colour, LIGHT, is_dark=False), "dark": _shades(colour, DARK, is_dark=True)}


def readable(text: str) -> dict[str, str]:
    """Return the two shades that mails use: `text` on a light sheet, and `fill` behind white letters. Raises ValueError."""
    light = shades(text)["light"]
    return {"text": light["--lp-brand"], "fill": light["--lp-brand-fill"]}


def _shades(colour: Colour, ground: Ground, *, is_dark: bool) -> dict[str, str]:
    # Text and icons stand on the sheet, on the paper and on the tint, which is made of the sheet.
    soft = mix(ground.surface, colour, 0.22 if is_dark else 0.12)
    towards = WHITE if is_dark else BLACK
    text = _until(
        colour, towards, lambda one: min(contrast(one, each) for each in (soft, ground.surface, ground.paper))
    )
    fill = _until(colour, BLACK, lambda one: contrast(one, WHITE))
    hero = _until(mix(fill, BLACK, 0.12 if is_dark else 0), BLACK, lambda one: contrast(one, _muted(colour)))
    return {
        "--lp-brand": write(text),
        "--lp-brand-fill": write(fill),
        "--lp-brand-fill-hover": write(mix(fill, BLACK, 0.18)),
        "--lp-brand-soft": write(soft),
        "--lp-hero-from": write(hero),
        "--lp-hero-via": write(mix(hero, BLACK, 0.22)),
        "--lp-hero-to": write(mix(hero, BLACK, 0.5)),
        "--lp-on-hero-muted": write(_muted(colour)),
    }


def _muted(colour: Colour) -> Colour:
    return mix(WHITE, colour, 0.12)


def _until(colour: Colour, towards: Colour, measure: Callable[[Colour], float]) -> Colour:
    """Move a colour step by step until it can be read; black and white can always."""
    for step in range(STEPS + 1):
        moved = mix(colour, towards, step / STEPS)
        if measure(moved) >= READABLE:
            return moved
    return towards


def _luminance(colour: Colour) -> float:
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
