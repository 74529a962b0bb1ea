"""What is said of a task's tickets: how each kind is made, what it scores seed by seed, and two by two, paired.

Double brackets mark a term of the glossary. Signs of numbers are those of print.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from explorer.mask import Mask
from explorer.stats.effects import Evidence, gap
from explorer.stats.paired import PairedDifference
from explorer.stats.sizes import Size, size_of
from explorer.store.paper.published import FULL
from explorer.study.claims import few_seeds
from explorer.study.conditions import TICKET_KINDS, ConditionScore
from explorer.study.words import with_interval

BySeed = Mapping[int, Mapping[str, ConditionScore]]
"""Seed -> condition -> score, as study_scores gives it."""
Pairs = Mapping[tuple[str, str], Mapping[int, PairedDifference]]
"""Two kinds of ticket -> seed -> the first minus the second, on the same examples."""

METHODS = {
    "structured": "Heads and MLPs",
    "super": "Common to all seeds",
    "magnitude": "Single weights",
}
"""Method -> its name on the switch."""
ABOUT = {
    "structured": (
        "Pruning switches off heads and MLPs, least important first, until the score would fall below 90% of the full "
        "model's. What is left is the [[good ticket]]. A [[bad ticket|bad]] one of the same size is made of what was "
        "switched off (filled up with survivors where that is too little), a [[random ticket|random]] one is drawn "
        "from everything."
    ),
    "super": (
        "The good ticket here is what survives in every [[seed]] (the paper calls it [[super ticket|super]]); **bad** "
        "is what no seed keeps, **random** is drawn from what some seeds keep. All seeds score the same three masks."
    ),
    "magnitude": (
        "Here single weights are removed, wherever they are, the smallest first: **good**. **Bad** loses as many of "
        "the largest weights, **random** as many at random. Heads and MLPs stay in place, with holes in them."
    ),
}
"""Method -> how its tickets are made."""
STATE_NAMES = {"pruned": "As pruned", "retrained": "Retrained"}
"""Whether a ticket is scored as pruned or after retraining -> its name on screen."""
PAIRS = (("good", "random"), ("good", "bad"), ("random", "bad"))


"""The kinds of ticket that are held against each other."""
PAIRED_BY = (
    "First score minus second, with the 95% interval of the paired bootstrap over examples; ✱ where that is beyond "
    "noise: the interval leaves out 0, and so does the exact test of the same difference, where there is one "
    "(McNemar's for accuracy, of swapped answers for Matthews'; p < 0.05, uncorrected for the number of comparisons). "
)


def about_words(method: str, task: str, *, retrains: bool = True) -> str:
    """Says how the tickets of a method are made and, where they can be retrained, what that means."""
    if not retrains:
        return ABOUT[method]
    return (
        f"{ABOUT[method]} [[retrained|Retrained]] means: the same ticket of the pre-trained model, [[fine-tuned]] "
        f"for {task} with the same recipe."
    )


def seed_rows(
    by_seed: BySeed, method: str, state: str, model: str, shape_of: Callable[[int], tuple[int, int]]
) -> list[dict[str, str]]:
    """Words every seed's scores with their intervals, and how large its good ticket is; a row a seed.

    state: pruned or retrained. shape_of: seed -> (L, H).
    """
    rows = []
    for seed, scores in by_seed.items():
        found = {kind: scores.get(f"{method}/{kind}/{state}") for kind in TICKET_KINDS}
        row = {"seed": str(seed), "full model": _in_words(scores[FULL])}
        row |= {kind: _in_words(one) if one else "–" for kind, one in found.items()}
        rows.append(row | _size_columns(model, lambda seed=seed: shape_of(seed), method, scores))  # type: ignore[misc]
    return rows


def _in_words(of: ConditionScore) -> str:
    return with_interval(of.score, of.low, of.high)


def pair_rows(by_seed: BySeed, method: str, state: str, paired: Pairs) -> list[dict[str, str]]:
    """Words the paired differences, a row a seed, and their mean where there are several; [] without any."""
    rows: list[dict[str, str]] = []
    for seed in by_seed:
        cells = {_pair(a, b): _difference(paired[a, b].get(seed)) for a, b in PAIRS}
        if any(cells.values()):
            rows.append({"seed": str(seed), **cells})
    evidence = {kind: _evidence(by_seed, f"{method}/{kind}/{state}") for kind in TICKET_KINDS}
    if len(rows) > 1:
        rows.append({"seed": "mean", **{_pair(a, b): _mean_gap(evidence[a], evidence[b]) for a, b in PAIRS}})
    return rows


def paired_by_words(n_rows: int, n_seeds: int) -> str:
    """Says how differences were taken. n_rows: of the table, the mean's included."""
    mean = "Last row: mean over the seeds that both have, with its 95% t-interval. " if n_rows > 1 else ""
    return f"{PAIRED_BY}{mean}{few_seeds(n_seeds)}"


def _pair(a: str, b: str) -> str:
    return f"{a} − {b}"


def _difference(found: PairedDifference | None) -> str:
    if found is None:
        return ""
    star = "" if found.within_noise else " ✱"
    return with_interval(found.difference, found.low, found.high, "+.3f") + star


def _evidence(by_seed: BySeed, condition: str) -> Evidence:
    known = {seed: scores[condition].score for seed, scores in by_seed.items() if condition in scores}
    return Evidence(by_seed={seed: score for seed, score in known.items() if not math.isnan(score)})


def _mean_gap(a: Evidence, b: Evidence) -> str:
    if not set(a.by_seed) & set(b.by_seed):
        return ""
    effect = gap(a, b)
    return f"{with_interval(effect.value, effect.low, effect.high, '+.3f')}, {effect.over}"


def in_words(paired: Pairs) -> str:
    """Says of each pair in how many seeds one is measurably better; Markdown."""
    sentences = []
    for (a, b), by_seed in paired.items():
        if not by_seed:
            continue
        up = sum(not d.within_noise and d.difference > 0 for d in by_seed.values())
        down = sum(not d.within_noise and d.difference < 0 for d in by_seed.values())
        sentences.append(_sentence(a, b, up, down, len(by_seed)))
    return " ".join(sentences)


def _sentence(a: str, b: str, up: int, down: int, n: int) -> str:
    def among(many: int) -> str:
        return f"{many} of {n} seeds" if n > 1 else "the one seed"

    if not up and not down:
        return f"Nothing tells **{a}** from **{b}** in {'any seed' if n > 1 else 'the one seed'}."
    if not down:
        return f"**{a.capitalize()}** is measurably better than **{b}** in {among(up)}."
    if not up:
        return f"**{b.capitalize()}** is measurably better than **{a}** in {among(down)}."
    return f"**{a.capitalize()}** is measurably better than **{b}** in {among(up)}, worse in {down}."


_OVER = re.compile(r"^Over \d+ seeds: [\d, ]+\.\s*")
"""How the note of a super ticket begins; the page says it itself."""
_NONE = re.compile(r"Only 0 (head|MLP)s are")
"""How older bundles say that there is none."""
KEPT = (
    "Parameters of the heads and MLPs that are kept, over those of all heads and MLPs",
    "Weights that are kept, over all that can be pruned",
)


def notes_words(method: str, by_seed: BySeed, shown: Callable[[str], str] = str) -> str:
    """Where a ticket is not quite what its name promises, the same sentence once for all its seeds, as Markdown.

    shown: makes a bundle's sentence fit for the screen.
    """
    seeds_of: dict[tuple[str, str], list[str]] = {}
    for seed, scores in by_seed.items():
        for kind in TICKET_KINDS:
            one = scores.get(f"{method}/{kind}/pruned")
            note = _OVER.sub("", one.note) if one else ""
            if note:
                seeds_of.setdefault((kind, note), []).append(str(seed))
    sentences = []
    for (kind, note), of in seeds_of.items():
        whose = "" if len(of) == len(by_seed) else f", seed {', '.join(of)}"
        sentences.append(f"{kind.capitalize()}{whose}: {shown(_NONE.sub(_none, note))}")
    return " ".join(sentences)


def _none(found: re.Match[str]) -> str:
    return f"No {found[1]} is"


def _size_columns(
    model: str, shape: Callable[[], tuple[int, int]], method: str, scores: Mapping[str, ConditionScore]
) -> dict[str, str]:
    good = scores.get(f"{method}/good/pruned")
    if good is None:
        return {}
    if method == "magnitude":
        return {"kept": f"{good.share_kept:.0%}"}
    size: Size = size_of(Mask.from_code(good.mask, *shape()), model)
    columns = {"heads": str(size.heads), "MLPs": str(size.mlps)}
    if size.parameters is not None and size.share is not None:
        columns |= {"parameters": f"{size.parameters / 1e6:.1f} M", "kept": f"{size.share:.0%}"}
    return columns
