"""Whether a ticket of one task, retrained on another, does as well there as that task's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from explorer.arrays import AnyArray
from explorer.glue.tasks import TASKS
from explorer.stats.paired import PairedDifference, compare
from explorer.store.bundle import Bundle
from explorer.store.inventory import Inventory
from explorer.store.schema import Key, Run
from explorer.study.stored_scores import KnownRun
from explorer.study.words import with_interval


@dataclass(frozen=True)
class RetrainedAway:
    """A ticket of one task, retrained on another, beside that task's own and as many parts at random."""

    ticket: str
    """The task that it was found for."""
    run: Run
    """The run with whose recipe and seed it was retrained."""
    metric: str
    full: float
    score: float
    heads: int
    mlps: int
    over_random: PairedDifference | None
    """Against as many heads and MLPs at random, retrained; None where that is not in the bundle."""
    over_own: PairedDifference | None
    """Against the task's own ticket, retrained, which may be of another size."""
    command: str


def retrained_away(bundle: Bundle, manifests: Inventory, known: KnownRun) -> Iterator[RetrainedAway]:
    """Reads every ticket of another task that was retrained on a run's task; raises BadBundle."""
    run, metric, labels = known.run, known.task.metric, known.labels

    def said(variant: str) -> AnyArray | None:
        key = Key(run, "retrained", variant)
        return np.asarray(bundle.read(key).arrays["predictions"][0]) if key in manifests.by_key else None

    own = said("good")
    for task in TASKS:
        key = Key(run, "retrained", f"good-of-{task}")
        if key not in manifests.by_key:
            continue
        stored = bundle.read(key)
        theirs, chance, row = stored.arrays["predictions"][0], said(f"random-of-{task}"), stored.table.iloc[0]
        yield RetrainedAway(
            task,
            run,
            metric,
            known.full.score,
            float(row["score"]),
            int(row["heads_kept"]),
            int(row["mlps_kept"]),
            None if chance is None else compare(metric, theirs, chance, labels),
            None if own is None else compare(metric, theirs, own, labels),
            stored.manifest.command,
        )


def retrained_words(found: Sequence[RetrainedAway]) -> str:
    """Says what came out, as Markdown."""
    beside = [one for one in found if one.over_random is not None]
    if not beside:
        return "A ticket of another task was retrained; no random one of its size is there to hold it against."
    at_random = [one.over_random for one in beside if one.over_random is not None]
    own = [one.over_own for one in beside if one.over_own is not None]
    better = sum(not d.within_noise and d.difference > 0 for d in at_random)
    words = (
        f"Retrained on the other task, a ticket beats as many parts at random beyond noise in **{better} of "
        f"{len(beside)}** tries ({_counts(at_random)})"
    )
    if own:
        words += f"; against that task's own ticket: {_counts(own)}"
    return f"{words}."


def _counts(found: Sequence[PairedDifference]) -> str:
    """'1 better, 1 worse, 2 not told apart': those that are not 0."""
    better, worse = (sum(not d.within_noise and sign * d.difference > 0 for d in found) for sign in (1, -1))
    many = {"better": better, "worse": worse, "not told apart": len(found) - better - worse}
    return ", ".join(f"{number} {name}" for name, number in many.items() if number)


def retrained_table(found: Sequence[RetrainedAway]) -> pd.DataFrame:
    """A row a ticket and task, with its paired differences in the task's own metric."""
    return pd.DataFrame(
        {
            "ticket of": [one.ticket for one in found],
            "retrained on": [one.run.task for one in found],
            "seed": [str(one.run.seed) for one in found],
            "heads": [one.heads for one in found],
            "MLPs": [one.mlps for one in found],
            "metric": [one.metric for one in found],
            "score": [f"{one.score:.3f}" for one in found],
            "minus random of its size": [_words(one.over_random) for one in found],
            "minus the task's own ticket": [_words(one.over_own) for one in found],
            "full model": [f"{one.full:.3f}" for one in found],
            "n": [d.n if (d := one.over_random or one.over_own) else 0 for one in found],
        }
    )


def _words(of: PairedDifference | None) -> str:
    if of is None:
        return "not made"
    return with_interval(of.difference, of.low, of.high, "+.3f") + (" (noise)" if of.within_noise else "")
