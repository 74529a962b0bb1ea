"""How numbers are put into words: intervals that are not there, signs of what rounds to nothing."""

from __future__ import annotations

import math

import pytest

from explorer.study.words import minus, with_interval

NAN = math.nan


@pytest.mark.parametrize(
    ("numbers", "style", "said"),
    [
        ((0.8123, 0.7741, 0.8484), ".3f", "0.812 [0.774, 0.848]"),
        ((-0.03, -0.051, 0.011), "+.0%", "−3% [−5%, +1%]"),
        ((0.0, NAN, NAN), "+.3f", "0.000"),
        ((0.5, 0.4, NAN), ".3f", "0.500"),
        ((NAN, NAN, NAN), "+.3f", "undefined"),
        ((NAN, 0.1, 0.2), "+.3f", "undefined"),
    ],
)
def test_a_value_with_its_interval_never_says_nan(numbers, style, said):
    assert with_interval(*numbers, style) == said


def test_what_stands_for_no_value_can_be_chosen():
    assert with_interval(NAN, NAN, NAN, without="–") == "–"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-0%", "0%"),
        ("+0%", "0%"),
        ("-0", "0"),
        ("+0.000 [-0.000, +0.050]", "0.000 [0.000, +0.050]"),
        ("-0.05", "−0.05"),
        ("+0.5%", "+0.5%"),
        ("it is -0.", "it is 0."),
        ("-10 and a well-kept +1", "−10 and a well-kept +1"),
        ("2019-01", "2019-01"),
    ],
)
def test_no_sign_stands_before_what_rounds_to_nothing(text, said):
    assert minus(text) == said
