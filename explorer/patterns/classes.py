"""The five attention patterns of Kovaleva et al. (2019), in one fixed order; no torch, so that pages may import it."""

from __future__ import annotations

from typing import Final

#: Column k of every probability table is CLASSES[k] (paper, section "Attention patterns").
CLASSES: Final[tuple[str, ...]] = ("heterogeneous", "block", "diagonal", "vertical", "vertical+diagonal")

#: Said instead of a class name where the classifier's confidence stays below the threshold.
UNCERTAIN: Final = "uncertain"

#: What a person sees, one sentence a class (labelled/GUIDELINE.md).
MEANINGS: Final[dict[str, str]] = {
    "heterogeneous": "None of the other four: scattered or flat. The only class that may carry linguistic meaning.",
    "block": "Each sentence of a pair attends within itself: two filled squares.",
    "diagonal": "Attention to the token itself, the previous or the next one.",
    "vertical": "All tokens attend to the same few columns: [CLS], [SEP], punctuation.",
    "vertical+diagonal": "Columns and a diagonal at once.",
    UNCERTAIN: "No class reaches the classifier's confidence threshold.",
}
