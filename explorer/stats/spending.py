"""Error probability spent over several looks at one growing sample, so that all looks together keep their confidence.

Lan and DeMets 1983 (Biometrika 70, 659-663): a function of the share seen says how much has been spent so far, whatever
the number of looks. Theirs of O'Brien and Fleming's type spends nearly nothing at the first looks, whose intervals
would say nothing; this is their function of Pocock's type (Pocock 1977), which spends at all looks about alike. The
last look, at every example, is exact and needs none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from explorer.errors import BadRequest

ALL_LOOKS = "over all looks"


def spent_at(seen: Sequence[int], *, confidence: float = 0.95) -> tuple[float, ...]:
    """The error probability of the interval at each look; together they are 1 - confidence.

    seen: ascending numbers of examples at the looks before the last, exact one. By Boole's inequality intervals that
    fail with these probabilities hold together with the confidence, however the looks depend on each other.
    Raises BadRequest unless seen ascends from 1 or more and 0 < confidence < 1.
    """
    if not 0 < confidence < 1:
        raise BadRequest(f"A confidence of {confidence} is not between 0 and 1.", "0.95 is usual.")
    if any(later <= earlier for earlier, later in pairwise([0, *seen])):
        raise BadRequest("The numbers of examples at the looks do not ascend.", "Give each look once, in its order.")
    so_far = [0.0, *((1 - confidence) * math.log1p((math.e - 1) * n / seen[-1]) for n in seen)]
    return tuple(after - before for before, after in pairwise(so_far))


def coverage_words(confidence: float = 0.95) -> str:
    """Says for the screen what the intervals of a running score promise: '95% over all looks'."""
    return f"{100 * confidence:g}% {ALL_LOOKS}"
