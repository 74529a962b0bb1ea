"""The paper's four claims held against one task: a number each, a verdict, and the reason in words.

Prasanna et al. 2020, abstract and sections 4 to 6. What counts as "about as well", "worse", "close" and "unstable" is
our reading; each docstring says it, and so does the sentence on screen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from explorer.stats.agreement import Agreement, Chance
from explorer.stats.effects import Effect, Evidence, gap, kept_share
from explorer.stats.paired import PairedDifference
from explorer.study.majority_baseline import MajorityBaseline
from explorer.study.words import seeds
from explorer.tickets.structured import THRESHOLD

Verdict = Literal["supported", "partly", "not supported", "open"]
Paired = Mapping[int, PairedDifference]
CLOSE = THRESHOLD
"""Share of the full model's score to which the paper prunes, and which it calls about as good."""
FAIR, SUBSTANTIAL = 0.4, 0.6
"""Fleiss' kappa up to which agreement is called fair, and above which substantial (Landis and Koch 1977)."""


NO_EFFECT = Effect()


@dataclass(frozen=True)
class Claim:
    """One claim on one task."""

    verdict: Verdict
    """'open' where nothing in the bundle decides it: it is missing, degenerate or too noisy."""
    because: str
    """Plain sentences."""
    effect: Effect = NO_EFFECT
    """The number that carries it: shares kept for (a) and (c), a difference for (b), Fleiss' kappa for (d)."""
    missing: str = ""
    """The command that makes what is missing."""
    n_seeds: int = 0
    """How many seeds it rests on; 0 where it rests on none of ours."""

    @property
    def basis(self) -> str:
        """How far the verdict reaches: 'one seed only', 'two seeds only', '5 seeds'; empty where it rests on none."""
        return {0: "", 1: "one seed only", 2: "two seeds only"}.get(self.n_seeds, seeds(self.n_seeds))


def claim_good(full: Evidence, good: Evidence, paired: Paired, majority: MajorityBaseline | None) -> Claim:
    """(a) The good ticket scores about as well as the full model: the share of the full score that it keeps.

    Pruning stops at 90% by rule, so 90% alone decides nothing. Supported: the interval of the share stays at 90% or
    more, and on the same examples it is within noise of the full model in half of the seeds or more. Partly: only
    measurably above the majority class. Open: above it within noise. paired: good minus full.
    """
    if early := _undecided(full, (good,), "Nothing was pruned for this task yet.", majority):
        return early
    return _resting_on(_judged_good(full, good, paired, majority), _shared_seeds(full, good))


def _judged_good(full: Evidence, good: Evidence, paired: Paired, majority: MajorityBaseline | None) -> Claim:
    effect = kept_share(good, full, paired)
    if not _above(good, majority):
        words = f"It scores {good.mean:.3f}: not measurably above {_majority_words(majority)}."
        return Claim(_undecidable(good, effect, majority), words, effect)
    learnt = _share_of_gain(good, full, majority)
    rule = "Pruning stops at 90% by rule, so the finding is how little is left."
    below = sum(_is_clear(d) and d.difference < 0 for d in paired.values())
    if not paired:
        return Claim("partly", f"{rule}{learnt}", effect)
    where = f"On the same examples it is {_measurably(below, len(paired), 'below the full model')}."
    if 2 * below <= len(paired) and effect.low >= CLOSE:
        return Claim("supported", f"{where}{learnt}", effect)
    if 2 * below <= len(paired):
        wide = f"{where} But noise leaves room: its share may be as low as {effect.low:.0%}."
        return Claim("partly", f"{wide if effect.low == effect.low else where}{learnt}", effect)
    return Claim("partly", f"{rule} {where}{learnt}", effect)


def claim_rest_is_worse(
    full: Evidence,
    good: Evidence,
    random: Evidence,
    bad: Evidence,
    paired_random: Paired,
    paired_bad: Paired,
    majority: MajorityBaseline | None,
) -> Claim:
    """(b) As many heads and MLPs drawn at random, or from what was pruned, score worse: bad minus good.

    Supported: both lie below good with an interval (over seeds; over examples with one) that leaves out 0. Partly: one
    does, or one or both lie below within noise. paired: good minus the other.
    """
    if early := _undecided(full, (good, bad, random), "No other ticket was scored for this task yet.", majority):
        return early
    gaps = gap(good, random, paired_random), gap(good, bad, paired_bad)
    clear, below = sum(g.low > 0 for g in gaps), sum(g.value > 0 for g in gaps)
    verdict: Verdict = "supported" if clear == 2 else "partly" if below else "not supported"
    worst = gaps[1]
    effect = Effect(-worst.value, -worst.high, -worst.low, worst.over)
    by_name = {"Bad": (worst, paired_bad), "random": (gaps[0], paired_random)}
    parts = [f"{name} scores {_lag(g)}{_where(p)}" for name, (g, p) in by_name.items()]
    words = f"{'; '.join(parts)}. Mind that good was chosen on these very examples, the others were not."
    return _resting_on(Claim(verdict, words, effect), min(_shared_seeds(good, of) for of in (random, bad)))


def claim_worst_retrained(
    full: Evidence, bad: Evidence, again: Evidence, paired: Paired, majority: MajorityBaseline | None
) -> Claim:
    """(c) The bad ticket, fine-tuned again from the pre-trained weights, comes close: its share of the full score.

    Supported: measurably above the majority class and at 90% or more. Partly: above it, but below 90%. Open: at 90%
    or more, above it within noise. bad: as pruned. again: as retrained. paired: again minus full.
    """
    if early := _undecided(full, (again,), "The bad ticket was not retrained yet.", majority):
        return early
    effect = kept_share(again, full, paired)
    before = [score for seed, score in bad.by_seed.items() if seed in again.by_seed] or [bad.mean]
    was = "" if math.isnan(before[0]) else f", from {fmean(before):.3f} as pruned"
    if not _above(again, majority):
        words = f"It scores {again.mean:.3f}{was}: not measurably above {_majority_words(majority)}."
        claim = Claim(_undecidable(again, effect, majority), words, effect, again.missing)
        return _resting_on(claim, _shared_seeds(full, again))
    words = f"It scores {again.mean:.3f}{was}, measurably above {_majority_words(majority)}."
    words += _share_of_gain(again, full, majority)
    claim = Claim("supported" if effect.value >= CLOSE else "partly", words, effect, again.missing)
    return _resting_on(claim, _shared_seeds(full, again))


def claim_unstable(heads: Agreement | None, always: int, never: int, missing: str = "") -> Claim:
    """(d) Each seed finds another good ticket: Fleiss' kappa over heads; the interval is its level by chance.

    Supported: kappa at most 0.4. Partly: up to 0.6. always, never: heads that every seed keeps, and that none does.
    """
    if heads is None or len(heads.seeds) < 2:
        return Claim("open", "Whether seeds agree takes the tickets of two of them.", missing=missing)
    kappa, over = heads.fleiss_kappa, seeds(len(heads.seeds))
    if kappa.undefined or kappa.chance is None or kappa.chance.note:
        why = kappa.undefined or (kappa.chance.note if kappa.chance else "")
        return Claim("open", f"Degenerate: {why}", Effect(over=over))
    return _resting_on(_judged_unstable(heads, kappa.chance, always, never), len(heads.seeds))


def _judged_unstable(heads: Agreement, chance: Chance, always: int, never: int) -> Claim:
    kappa, over = heads.fleiss_kappa, seeds(len(heads.seeds))
    effect = Effect(kappa.value, chance.low, chance.high, over)
    changing = heads.n_components - always - never
    words = f"{changing} of {heads.n_components} heads survive in some seeds and not in others."
    if kappa.value <= chance.high:
        return Claim("supported", f"The seeds agree no more than by chance: {words}", effect)
    if kappa.value <= FAIR:
        return Claim("supported", f"The seeds agree more than by chance, but not much: {words}", effect)
    if kappa.value <= SUBSTANTIAL:
        return Claim("partly", f"The seeds agree far more than by chance, yet {words}", effect)
    return Claim("not supported", f"The seeds largely agree: only {words}", effect)


def _shared_seeds(a: Evidence, b: Evidence) -> int:
    """How many seeds both have; of published means, the seeds that they are over."""
    return len(a.by_seed.keys() & b.by_seed.keys()) if a.by_seed or b.by_seed else min(a.n_seeds, b.n_seeds)


def _resting_on(claim: Claim, n_seeds: int) -> Claim:
    """The claim, which says so where it rests on too few seeds to speak of seeds."""
    words = few_seeds(n_seeds)
    return replace(claim, because=f"{claim.because} {words}".rstrip(), n_seeds=n_seeds)


def few_seeds(n_seeds: int) -> str:
    """A sentence on how far numbers from so few seeds reach; '' for three and more, and for 0."""
    return {1: "One seed only: it says nothing of other seeds.", 2: "Two seeds only."}.get(n_seeds, "")


def _undecided(
    full: Evidence, needed: tuple[Evidence, ...], words: str, majority: MajorityBaseline | None
) -> Claim | None:
    """Where a score is missing, or the full model itself has learnt nothing."""
    for evidence in (*needed, full):
        if math.isnan(evidence.mean):
            return Claim("open", words, missing=evidence.missing)
    if full.mean > _majority_score(majority):
        return None
    return Claim(
        "open",
        f"Degenerate: the full model scores {full.mean:.3f}, no more than {_majority_words(majority)}. "
        "Nothing to keep.",
    )


def _undecidable(evidence: Evidence, effect: Effect, majority: MajorityBaseline | None) -> Verdict:
    """Judges a score not measurably above the majority class: open where only noise is against it."""
    return "open" if effect.value >= CLOSE and evidence.mean > _majority_score(majority) else "not supported"


def _above(evidence: Evidence, majority: MajorityBaseline | None) -> bool:
    """Whether the interval over seeds, or the mean where there is none, lies above what answers without reading."""
    reach = evidence.mean if math.isnan(evidence.low) else evidence.low
    return reach > _majority_score(majority)


def _share_of_gain(part: Evidence, full: Evidence, majority: MajorityBaseline | None) -> str:
    """What is left of the gain over the majority baseline, on the seeds that both have: a share of the score flatters.

    Empty where nothing is gained, on those seeds, that could be kept.
    """
    if majority is None or majority.score < 0.05:
        return ""
    shared = part.by_seed.keys() & full.by_seed.keys()
    of_part, of_full = (fmean(of.by_seed[seed] for seed in shared) if shared else of.mean for of in (part, full))
    if not of_full > majority.score:
        return ""
    share = (of_part - majority.score) / (of_full - majority.score)
    return f" Of what the full model gains over {_majority_words(majority)}, it keeps {share:.0%}."


def _majority_score(majority: MajorityBaseline | None) -> float:
    return majority.score if majority else 0.0


def _majority_words(majority: MajorityBaseline | None) -> str:
    if majority is None:
        return "a score of 0"
    article = "the " if majority.title == "majority class" else ""
    return f"{article}{majority.title} ({majority.score:.3f})"


def _is_clear(difference: PairedDifference) -> bool:
    return not difference.within_noise


def _lag(of: Effect) -> str:
    """'0.119 below good (95% interval 0.030 to 0.208)'."""
    if abs(of.value) < 0.0005:
        return "the same as good"
    low, high = (of.low, of.high) if of.value > 0 else (-of.high, -of.low)
    interval = "" if math.isnan(low) or low == high else f" (95% interval {low:.3f} to {high:.3f})"
    return f"{abs(of.value):.3f} {'below' if of.value > 0 else 'above'} good{interval}"


def _where(paired: Paired) -> str:
    if not paired:
        return ""
    clear = sum(_is_clear(d) and d.difference > 0 for d in paired.values())
    return f", {_measurably(clear, len(paired), 'so')}"


def _measurably(many: int, n: int, what: str) -> str:
    """'measurably below in 2 of 5 seeds', '... in none of 5 seeds'; of one seed, whether it is."""
    if n == 1:
        return f"measurably {what}" if many else f"not measurably {what}"
    return f"measurably {what} in {many or 'none'} of {n} seeds"
