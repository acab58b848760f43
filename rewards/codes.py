"""Coupon codes: making them, reading what people type, sealing them for the database.

A code is eleven random symbols (55 bits) and one check symbol. The 32 symbols are the elements of GF(32): five bits each,
added by XOR, multiplied as polynomials modulo x^5 + x^2 + 1, whose root 2 has the 31 powers 2^0 … 2^30, all different.
The symbols c0 … c11 of a code satisfy

    2^11 * c0 + 2^10 * c1 + … + 2 * c10 + c11 = 0

A wrong symbol at i changes the sum by 2^(11-i) * (old + new), a swap of i and j by (2^(11-i) + 2^(11-j)) * (ci + cj).
Neither can be 0: in a field a product is 0 only if a factor is, the weights differ from 0 and from each other, and so do
the symbols. Every such slip is therefore caught without a look at the database.
"""

import re
import secrets
import unicodedata
from collections.abc import Iterable
from functools import cache

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O and U
LENGTH = 12
LONGEST = 48  # of what people may type, without blanks and dashes
FREE_LENGTHS = range(6, 33)  # of codes that a printer has numbered
WORDS_LENGTHS = range(4, 33)  # of codes for many

_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
_FREE = re.compile("[0-9A-Z]+")
# As they would be read: 1 for I and L, 0 for O, V for U.
_RUDE = re.compile(
    "FVCK|CVNT|SH1T|P1SS|D1CK|C0CK|T1TS|ARSE|RAPE|S1VT|WH0RE|B1TCH|N1GG|NAZ1|H1T1ER|F1CK|F0TZE|HVRE|ARSCH|T0TE|"
    "SEX|ASS|FAG|KKK|SS88|HE11|D1E|CNM|TMD|NMS1|SB250"
)
_AS_READ = str.maketrans("abcdefghijklmnopqrstuvwxyzILO", "ABCDEFGH1JK1MN0PQRSTUVWXYZ110")
_SEPARATORS = re.compile(r"[\s\-‐-―−_·.]+")


class InvalidCode(ValueError):
    """Raised when a text cannot be a code of ours: a symbol is missing, wrong or swapped."""

    def __init__(self) -> None:
        super().__init__(_("This is not a coupon code. Please check every character."))


class InvalidPrinted(ValueError):
    """Raised when a printed code is not one that a till could read."""

    def __init__(self) -> None:
        super().__init__(_("A code is made of 6 to 32 Latin letters and digits; blanks and dashes do not count."))


class InvalidWords(ValueError):
    """Raised when words cannot be a code for many."""

    def __init__(self) -> None:
        super().__init__(_("A code for many is made of 4 to 32 Latin letters and digits, such as SUMMER or WELCOME-5."))


def compact(text: str) -> str:
    """Return a typed or scanned code without blanks, dashes, case and full-width forms; I and L become 1, O becomes 0.

    Raises InvalidCode when the text is far too long to be one.
    """
    if len(text) > 4 * LONGEST:
        raise InvalidCode
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).translate(_AS_READ)


def parse(text: str) -> str:
    """Return the twelve symbols of a typed code; raises InvalidCode for every single wrong symbol and every swap of two."""
    code = compact(text)
    if not is_valid(code):
        raise InvalidCode
    return code


def is_valid(code: str) -> bool:
    """Return whether twelve symbols fit together."""
    return len(code) == LENGTH and _VALUE.keys() >= set(code) and _remainder(code) == 0


def is_free(code: str) -> bool:
    """Return whether a compact text may be a code that somebody else made: 4 to 32 Latin letters and digits."""
    return len(code) in WORDS_LENGTHS and _FREE.fullmatch(code) is not None


def parse_printed(text: str, *, prefix: str = "") -> str:
    """Return the symbols of a code that is printed already: one of ours with or without its prefix, or a free one.

    Raises InvalidPrinted when it is not made of 6 to 32 Latin letters and digits.
    """
    code = compact(text)
    rest = code.removeprefix(compact(prefix))
    if rest != code and is_valid(rest):
        return rest
    if len(code) not in FREE_LENGTHS or not is_free(code):
        raise InvalidPrinted
    return code


def words(text: str) -> str:
    """Return the words of a code for many as people read them: upper case, single dashes for blanks.

    Raises InvalidWords when they are not 4 to 32 Latin letters and digits.
    """
    shown = re.sub(r"[\s-]+", "-", unicodedata.normalize("NFKC", text[: 4 * LONGEST]).strip()).upper()
    if len(shown) not in WORDS_LENGTHS or not is_free(compact(shown)):
        raise InvalidWords
    return shown


def display(code: str, prefix: str = "") -> str:
    """Return a code as people read it: XXXX-XXXX-XXXX, behind its batch's prefix."""
    groups = [code[i : i + 4] for i in range(0, len(code), 4)] if len(code) == LENGTH else [code]
    return "-".join([prefix, *groups] if prefix else groups)


def tail(code: str) -> str:
    """Return the four symbols by which lists and logs name a coupon."""
    return code[-4:]


def generate(count: int) -> list[str]:
    """Return codes from one block of the system's randomness.

    Two of a million are equal once in 70,000 times; the unique index of the table decides, nobody looks them up.
    """
    codes: list[str] = []
    while missing := count - len(codes):
        block = secrets.token_bytes(7 * missing)
        numbers = (int.from_bytes(block[i : i + 7]) for i in range(0, len(block), 7))
        codes += [code for code in map(_from_number, numbers) if not _RUDE.search(code)]
    return codes


def seal(code: str) -> bytes:
    """Encrypt a code for the database, the same code always to the same bytes, so that the unique index works on them.

    AES-SIV (RFC 5297) under a key derived from COUPON_KEY. A changed key makes every coupon unreadable.
    """
    return _cipher(settings.COUPON_KEY).encrypt(code.encode(), None)


def seal_many(many: Iterable[str]) -> list[bytes]:
    """Encrypt many codes."""
    encrypt = _cipher(settings.COUPON_KEY).encrypt
    return [encrypt(code.encode(), None) for code in many]


def unseal(sealed: bytes) -> str:
    """Decrypt a code; raises cryptography's InvalidTag when the row or the key is not the one it was sealed with."""
    return _cipher(settings.COUPON_KEY).decrypt(bytes(sealed), None).decode()


@cache
def _cipher(secret: str) -> AESSIV:
    key = HKDF(algorithm=SHA512(), length=64, salt=None, info=b"loyalty coupon codes 1").derive(secret.encode())
    return AESSIV(key)


# Multiplication by 2 in GF(32).
_DOUBLE = [value << 1 ^ (0b100101 if value & 0b10000 else 0) for value in range(32)]


def _remainder(code: str) -> int:
    """Return the weighted sum of the symbols, by Horner's rule."""
    total = 0
    for symbol in code:
        total = _DOUBLE[total] ^ _VALUE[symbol]
    return total


# Two symbols at a time: their text, and what they add to the check symbol at each of the five places of a pair.
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_SUMS = [[_remainder(pair + "0" * zeros) for pair in _PAIRS] for zeros in (10, 8, 6, 4, 2)]


def _from_number(number: int) -> str:
    """Return the code of the lowest 55 bits."""
    a, b, c = number >> 45 & 1023, number >> 35 & 1023, number >> 25 & 1023
    d, e, last = number >> 15 & 1023, number >> 5 & 1023, number & 31
    check = _SUMS[0][a] ^ _SUMS[1][b] ^ _SUMS[2][c] ^ _SUMS[3][d] ^ _SUMS[4][e] ^ _DOUBLE[last]
    return f"{_PAIRS[a]}{_PAIRS[b]}{_PAIRS[c]}{_PAIRS[d]}{_PAIRS[e]}{ALPHABET[last]}{ALPHABET[check]}"
