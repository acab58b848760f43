import itertools
from collections import Counter

import pytest
from cryptography.exceptions import InvalidTag

from rewards import codes

CODES = codes.generate(10_000)


def test_each_single_wrong_symbol_in_10_000_codes_is_caught():
    for code in CODES:
        for place in range(codes.LENGTH):
            head, rest = code[:place], code[place + 1 :]
            fitting = [symbol for symbol in codes.ALPHABET if codes.is_valid(head + symbol + rest)]
            assert fitting == [code[place]]


def test_each_swap_of_two_symbols_in_10_000_codes_is_caught():
    for code in CODES:
        for first, second in itertools.combinations(range(codes.LENGTH), 2):
            swapped = list(code)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            assert code[first] == code[second] or not codes.is_valid("".join(swapped))


def test_a_guess_fits_by_chance_one_time_in_32():
    fitting = sum(codes.is_valid(code[::-1]) for code in CODES)
    assert fitting < 10_000 / 32 * 1.4


def test_every_symbol_is_as_frequent_as_the_others():
    counts = Counter("".join(code[:-1] for code in CODES))
    assert set(counts) == set(codes.ALPHABET)
    assert min(counts.values()) > 0.9 * 110_000 / 32


def test_the_check_symbol_follows_the_documented_sum():
    # 2^11 = 7 in GF(32) modulo x^5 + x^2 + 1; 7 is the symbol "7".
    assert codes.is_valid("100000000007")
    assert not codes.is_valid("100000000006")


@pytest.mark.parametrize(
    "typed",
    [
        "1000-0000-0007",
        "1000 0000 0007",
        " i0o0-oooo—oo07 ",
        "L000.0000.0007",
        "１０００－００００－０００７",
        "1000\u00a00000\t0007\n",
    ],
)
def test_case_blanks_dashes_full_width_and_lookalikes_are_read(typed: str):
    assert codes.parse(typed) == "100000000007"


@pytest.mark.parametrize(
    "typed", ["", "1000-0000-000", "1000-0000-00070", "U000-0000-0007", "1000-0000-000?", "优惠券", "1" * 10_000]
)
def test_what_cannot_be_a_code_is_refused(typed: str):
    with pytest.raises(codes.InvalidCode):
        codes.parse(typed)


def test_a_code_is_shown_in_groups_behind_its_prefix():
    assert codes.display("7K3M9Q2X4TBD") == "7K3M-9Q2X-4TBD"
    assert codes.display("7K3M9Q2X4TBD", "CAFE") == "CAFE-7K3M-9Q2X-4TBD"
    assert codes.tail("7K3M9Q2X4TBD") == "4TBD"


def test_rude_words_are_never_produced(monkeypatch: pytest.MonkeyPatch):
    rude = [number for number in range(2**15) if "SEX" in codes._from_number(number)]
    assert rude
    numbers = iter([*rude, *range(len(rude) + 3)])
    monkeypatch.setattr(codes, "_from_number", lambda number, make=codes._from_number: make(next(numbers)))
    assert not any("SEX" in code for code in codes.generate(len(rude)))


def test_a_seal_is_deterministic_and_opens_again():
    sealed = {codes.seal(code) for code in CODES}
    assert len(sealed) == len(set(CODES))
    assert codes.seal(CODES[0]) == codes.seal(CODES[0])
    assert codes.unseal(codes.seal(CODES[0])) == CODES[0]
    assert codes.unseal(memoryview(codes.seal(CODES[0]))) == CODES[0]
    assert CODES[0].encode() not in codes.seal(CODES[0])


def test_the_longest_code_fits_the_column():
    assert len(codes.seal("X" * codes.LONGEST)) == 64


def test_another_key_opens_nothing(settings):
    sealed = codes.seal(CODES[0])
    settings.COUPON_KEY = "another key, as long as it has to be in production, and longer"
    with pytest.raises(InvalidTag):
        codes.unseal(sealed)
    assert codes.seal(CODES[0]) != sealed
