"""What was asked of heads and tickets since the paper, each answer as the one number that carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from explorer.mask import Mask
from explorer.stats.intervals import seed_spread
from explorer.stats.weighted import Difference
from explorer.store.schema import Manifest
from explorer.study.league import League, over_seeds
from explorer.study.mask_bank import MaskBank, additivity, gain_words
from explorer.study.mean_ablation import SAME_TICKET, MeanAblation
from explorer.study.mean_ablation_words import same_verdicts
from explorer.study.pairs import RunPairs
from explorer.study.tickets_stability import chance_over_seeds, stability_over_seeds
from explorer.study.transfer import Transferred
from explorer.study.words import component_names, minus, seeds, span, with_interval
from explorer.tickets.criteria import CHANCE, EXPECTED, criterion_named, kept_of

QUESTIONS = {
    "league": "What should go first?",
    "worth": "Do heads and MLPs add up?",
    "pairs": "Which stand in for each other?",
    "means": "Does it matter what stands in?",
    "transfer": "Does a ticket win on another task?",
    "stability": "Does the same ticket come out again?",
}
"""Name of an answer -> its question, in the order in which they are shown."""


@dataclass(frozen=True)
class Answer:
    """One question, its number, and what it rests on."""

    name: str
    """A key of QUESTIONS."""
    number: str
    """With its sign, as it is printed large."""
    says: str
    """What the number is, as the end of a sentence that begins with it."""
    rests_on: str
    """Interval, n, seeds."""
    source: str
    """Whose method or question it is."""
    made: tuple[str, ...]
    """The commands that made what it is read from."""
    page: str
    """The page, in small letters, where it is checked."""
    section: str
    """The section of that page; 'top' for its top."""
    query: Mapping[str, str] = field(default_factory=dict)
    """What that page is set to."""

    @property
    def question(self) -> str:
        """The question that it answers."""
        return QUESTIONS[self.name]


def league_answer(leagues: Sequence[League], metric: str, made: Sequence[Manifest]) -> Answer:
    """Says which criterion orders best on average over a task's seeds, and by how much over random orders."""
    over = over_seeds(leagues)
    real = {name: of.mean for name, of in over.items() if name != CHANCE and of.n == len(leagues)}
    best = max(real, key=lambda name: real[name])
    gains = [league.standing(best).against_chance for league in leagues]
    spread, n = seed_spread([one.value for one in gains]), leagues[0].n
    interval = f"[{spread.low:+.3f}, {spread.high:+.3f}] over {seeds(len(leagues))}, n = {n:,} dev examples each"
    if spread.undefined:
        interval = f"[{gains[0].low:+.3f}, {gains[0].high:+.3f}] over n = {n:,} dev examples"
    over_paper = [league.standing(best).against_expected for league in leagues]
    beside = "" if best == EXPECTED else f", {_gain(over_paper)} over the paper’s gradient"
    return Answer(
        "league",
        minus(f"{spread.mean:+.3f}"),
        minus(
            f"{metric} over random orders, averaged over all sizes: {criterion_named(best).title} orders best of "
            f"{len(real)} criteria{beside}"
        ),
        minus(f"{interval}; the best is found by looking; {_seeds(leagues)}"),
        "criteria of Michel et al. 2019, Kwon et al. 2022 and others",
        _commands(made),
        "league",
        "top",
        {"criterion": best},
    )


def _gain(found: Sequence[Difference]) -> str:
    """A difference with its interval: over examples for one seed, else over seeds."""
    spread = seed_spread([one.value for one in found])
    low, high = (found[0].low, found[0].high) if len(found) == 1 else (spread.low, spread.high)
    return with_interval(spread.mean, low, high, "+.3f")


def worth_answer(bank: MaskBank, metric: str, seed: int, made: Sequence[Manifest]) -> Answer:
    """Says how far a random mask's score lies from what its parts are worth, added up.

    The share counts from what knowing only how many parts are on misses.
    """
    found, n = additivity(bank), bank.margins.shape[1]
    low, high = found.missed_interval
    return Answer(
        "worth",
        f"±{found.missed:.3f}",
        minus(
            f"{metric} is what adding up the worth of its parts misses of a random mask; knowing only how many are on "
            f"misses ±{found.by_rate:.3f}: {gain_words(found)}"
        ),
        f"[±{low:.3f}, ±{high:.3f}] over {len(bank.rates):,} masks; n = {n:,} dev examples; seed {seed}",
        "worth as in Wang and Jia 2023",
        _commands(made),
        "league",
        "worth",
    )


def pairs_answer(found: RunPairs, shape: tuple[int, int], seed: int, made: Sequence[Manifest]) -> Answer:
    """Says how many pairs of parts do not add up, and which the most surely."""
    names, at = component_names(shape), found.strongest()
    one, other = (names[part] for part in found.pairs[at])
    value, low, high = (float(side[at]) for side in (found.found.value, found.found.low, found.found.high))
    surest = f"; surest: {one} and {other}, {with_interval(value, low, high, '+.3f')}"
    surest = surest if found.beyond_noise.any() else ""
    return Answer(
        "pairs",
        f"{found.redundancies + found.synergies:,} of {len(found.pairs):,}",
        f"pairs do more or less together than apart, in {found.measure}: {found.redundancies:,} stand in for each "
        f"other, {found.synergies:,} need each other",
        minus(f"5% of them false on average{surest}; n = {found.n:,} dev examples; seed {seed}"),
        "interactions as in Grabisch and Roubens 1999",
        _commands(made),
        "league",
        "pairs",
        {"measure": "margin"} if found.measure == "margin" else {},
    )


def means_answer(tasks: Sequence[MeanAblation], made: Sequence[Manifest]) -> Answer | None:
    """Says on how many tasks claims (a) and (b) get the same verdict with means as with nothing in the place of what
    is off; None without a task whose model has learnt something."""
    judged = [of for of in tasks if of.learnt]
    if not judged:
        return None
    of_good, of_rest = (same_verdicts(judged, number) for number in (0, 1))
    in_same = same_verdicts(judged, 0, SAME_TICKET)
    runs = [len(of.runs) for of in judged]
    over = seeds(runs[0]) if len(set(runs)) == 1 else f"{min(runs)} to {max(runs)} seeds"
    return Answer(
        "means",
        f"{of_good} of {len(judged)}",
        "tasks keep their verdict on claim (a) when pruned with means, not nothing, in the place of what is off; "
        f"{of_rest} on claim (b). Means put into the very same tickets: {in_same} on (a)",
        f"{', '.join(of.task for of in judged)}; {over} each, n = {span(of.n for of in judged)} dev examples",
        "means as in Li and Janson 2024",
        _commands(made),
        "tickets",
        "means",
    )


def transfer_answer(away: Sequence[Transferred], seed: int, made: Sequence[Manifest]) -> Answer | None:
    """Says in how many pairs of tasks a ticket beats all random masks of its size; None without such a pair.

    away: what is counted, as `study.transfer.away` picks it.
    """
    if not away:
        return None
    by_model: dict[str, list[float]] = {}
    for one in away:
        by_model.setdefault(one.task, []).append(one.share - one.random_share)
    spread = seed_spread([float(np.mean(of)) for of in by_model.values()])
    interval = "" if spread.undefined else f" [{spread.low:+.0%}, {spread.high:+.0%}] over {len(by_model)} models"
    return Answer(
        "transfer",
        f"{sum(one.better for one in away)} of {len(away)}",
        f"times another task’s ticket beats all {away[0].draws} random masks of its size, beyond noise; by chance "
        f"{len(away) / (away[0].draws + 1):.1f} would be first",
        minus(
            f"{spread.mean:+.0%} of the full score over random{interval}; n = {span(one.n for one in away)} dev "
            f"examples; seed {seed}"
        ),
        "asked by Chen et al. 2020",
        _commands(made),
        "tickets",
        "transfer",
    )


def stability_answer(tickets: Mapping[int, Mask], made: Sequence[Manifest]) -> Answer | None:
    """Says how far the seeds' tickets agree, heads and MLPs together; None where that is not defined."""
    if len(tickets) < 2:
        return None
    found = stability_over_seeds(tickets)
    if found.undefined:
        return None
    least, most = chance_over_seeds(tickets)
    parts = len(kept_of(next(iter(tickets.values()))))
    interval = f"[{found.low:.2f}, {found.high:.2f}] over seeds, " if found.has_interval else ""
    interval = "no interval for two; " if found.choices == 2 else interval
    return Answer(
        "stability",
        minus(f"{found.value:.2f}"),
        minus(
            f"is how far the tickets of {seeds(len(tickets))} agree, from 0 (chance: {least:.2f} to {most:.2f}) to 1 "
            "(the same parts every time)"
        ),
        minus(f"{interval}{parts} heads and MLPs; seeds {', '.join(map(str, tickets))}"),
        "measure of Nogueira et al. 2018",
        _commands(made),
        "tickets",
        "stability",
    )


def _seeds(leagues: Sequence[League]) -> str:
    return f"seed{'s' * (len(leagues) > 1)} {', '.join(str(league.run.seed) for league in leagues)}"


def _commands(made: Sequence[Manifest]) -> tuple[str, ...]:
    return tuple(manifest.command for manifest in made)
