"""Whether a ticket found for one task is worth anything on another task's model, against random masks of its size."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from explorer.stats.weighted import central, draw_weights, weighted_scores
from explorer.store.bundle import Artefact
from explorer.study.stored_scores import KnownRun


@dataclass(frozen=True)
class Transferred:
    """One task's ticket on one task's fine-tuned model, both of one seed."""

    ticket: str
    """The task that it was found for."""
    task: str
    """The task on whose model and dev set it is scored."""
    metric: str
    """What its score is."""
    score: float
    share: float
    """Score over the full model's."""
    share_low: float
    share_high: float
    """95% interval over examples, paired with the full model."""
    over_random: float
    """Score minus the mean score of the random masks of its size."""
    over_low: float
    over_high: float
    """95% interval over examples, the draws held fixed."""
    random_share: float
    """Mean of the random masks, of the full model's score."""
    beaten: int
    """Random masks that score less."""
    draws: int
    p: float
    """Chance that one more random mask does as well: (1 + those that score as much or more) / (draws + 1)."""
    n: int
    heads: int
    mlps: int
    whole: bool
    """Whether the ticket keeps nothing or everything, so that a random mask of its size is the same mask."""

    @property
    def own(self) -> bool:
        """Whether the ticket was found on this very model."""
        return self.ticket == self.task

    @property
    def better(self) -> bool:
        """Whether it beats every random mask, and their mean beyond noise over examples."""
        return self.beaten == self.draws and self.over_low > 0


def transferred(artefact: Artefact, known: KnownRun) -> tuple[Transferred, ...]:
    """Reads what every ticket does on one run's model. known: that run, whose full model is the measure.

    An undefined score counts as 0 beside others. Of a full model that does not score above 0 there are no shares: nan.
    """
    table, said = artefact.table, artefact.arrays["predictions"]
    labels, metric, full = known.labels, known.task.metric, known.full.score
    weights = draw_weights([np.arange(len(labels))])
    scores = weighted_scores(metric, np.vstack([known.full.predictions[None], said]), labels, weights)  # (1 + R, 1 + S)
    whole, of_masks = scores[:, 0], scores[:, 1:]
    positive = whole[1:] > 0  # a resample on which the full model scores nothing has no share
    found = []
    for ticket, rows in table.groupby("ticket", sort=False):
        at, draw = rows.index.to_numpy(), rows["draw"].to_numpy()
        own, others = of_masks[:, at[draw == 0][0]], of_masks[:, at[draw > 0]]
        mean = others.mean(axis=1)
        first = rows[draw == 0].iloc[0]
        share_low, share_high = central(own[1:][positive] / whole[1:][positive]) if full > 0 else (math.nan, math.nan)
        found.append(
            Transferred(
                str(ticket),
                known.run.task,
                metric,
                float(first["score"]),
                float(own[0]) / full if full > 0 else math.nan,
                share_low,
                share_high,
                float(own[0] - mean[0]),
                *central((own - mean)[1:]),
                float(mean[0]) / full if full > 0 else math.nan,
                int((others[0] < own[0]).sum()),
                others.shape[1],
                (1 + int((others[0] >= own[0]).sum())) / (1 + others.shape[1]),
                len(labels),
                int(first["heads_kept"]),
                int(first["mlps_kept"]),
                rows["mask"].nunique() == 1,
            )
        )
    return tuple(found)


def away(cells: Sequence[Transferred], unlearnt: Collection[str]) -> list[Transferred]:
    """Picks what is counted: tickets of one task on another's model, where both have learnt their task and the ticket
    has rivals. unlearnt: tasks of which nothing is claimed."""
    without = set(unlearnt)
    return [
        one for one in cells if not (one.own or one.whole or math.isnan(one.share) or {one.ticket, one.task} & without)
    ]


def transfer_table(cells: Sequence[Transferred]) -> pd.DataFrame:
    """A row a ticket and model, with every interval; scores in their own units, shares from 0 to 1."""
    return pd.DataFrame(
        {
            "ticket of": [one.ticket for one in cells],
            "on the model of": [one.task for one in cells],
            "heads": [one.heads for one in cells],
            "MLPs": [one.mlps for one in cells],
            "metric": [one.metric for one in cells],
            "score": [one.score for one in cells],
            "of the full score": [one.share for one in cells],
            "share low": [one.share_low for one in cells],
            "share high": [one.share_high for one in cells],
            "random, of the full score": [one.random_share for one in cells],
            "over random": [one.over_random for one in cells],
            "over low": [one.over_low for one in cells],
            "over high": [one.over_high for one in cells],
            "random masks beaten": [one.beaten for one in cells],
            "of": [one.draws for one in cells],
            "p": [one.p for one in cells],
            "n": [one.n for one in cells],
        }
    )


def transfer_words(cells: Sequence[Transferred], unlearnt: Collection[str]) -> str:
    """Says in a few sentences what the matrix shows, as Markdown. unlearnt: tasks of which nothing is claimed."""
    other = away(cells, unlearnt)
    own = [one for one in cells if one.own and one.task not in unlearnt and not math.isnan(one.share)]
    if not other:
        return "No ticket was tried on another task's model that has learnt its task."
    better, draws = sum(one.better for one in other), other[0].draws
    share, chance = (float(np.mean([getattr(one, name) for one in other])) for name in ("share", "random_share"))
    words = (
        f"On another task's model a ticket keeps **{share:.0%}** of the full score on average, random masks of its "
        f"size {chance:.0%}. It beats all {draws} of them beyond noise in **{better} of {len(other)}** pairs of tasks; "
        f"by chance one pair in {draws + 1} would be first ({len(other) / (draws + 1):.1f} of {len(other)})."
    )
    if own:
        at_home = float(np.mean([one.share for one in own]))
        words += f" At home, where they were found, they keep {at_home:.0%}."
    return words
