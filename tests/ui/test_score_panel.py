"""What is said of a score, from differences that can be checked by eye."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.glue.tasks import TASKS
from explorer.live.evaluation import Evaluation
from explorer.mask import Mask
from explorer.stats.against_full import compared
from explorer.ui.scoring.score_panel import in_words, verified_in_words

ONES, ZEROS = np.ones(50, np.int64), np.zeros(50, np.int64)


def test_no_difference_at_all():
    assert in_words(compared(TASKS["MRPC"], ONES, ONES, ONES)) == "Every prediction is the full model's."


def test_a_large_difference_has_a_p_that_is_not_zero():
    words = in_words(compared(TASKS["MRPC"], ZEROS, ONES, ONES))
    assert "**50** of 50 predictions differ" in words
    assert "**50** were right and are now wrong, **0** were wrong and are now right" in words
    assert "p < 0.001" in words
    assert "The difference from the full model is larger than noise." in words


def test_a_difference_of_one_is_within_noise():
    one_off = ONES.copy()
    one_off[3] = 0
    words = in_words(compared(TASKS["MRPC"], one_off, ONES, ONES))
    assert "p = 1.000" in words
    assert "within noise" in words


def test_what_is_verified_what_is_not_yet_and_what_was_corrected():
    mask, logits = Mask.full(3, 4), np.zeros((50, 2), np.float32)
    unknown = Evaluation(mask, 0.5, logits, 1.0)
    partly = replace(unknown, exact=np.arange(50) < 49)
    wholly = replace(unknown, exact=np.ones(50, np.bool_))
    assert verified_in_words(unknown) == verified_in_words(partly) == "being verified in fp32"
    assert verified_in_words(partly, "No memory.") == "it could not be verified in fp32: No memory"
    assert verified_in_words(wholly) == "verified in fp32"
    corrected = verified_in_words(replace(wholly, corrected=2))
    assert corrected == "verified in fp32, which corrected **2** of 50 predictions"
