"""How often the intervals of a running score hold what all examples say: per look, and over all looks together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from explorer.bert.shards import shards_of
from explorer.errors import BadRequest
from explorer.glue.encoding import Encoded
from explorer.glue.tasks import TASKS, MetricName
from explorer.stats.paired import compare
from explorer.stats.partial import Known, known, running
from explorer.stats.spending import coverage_words, spent_at
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run

_TOKENS = {"CoLA": 12, "MRPC": 53, "RTE": 65, "SST-2": 25}
"""Mean tokens per example of the dev sets: they set how many examples each look has seen."""
_STS_B = (1500, 31)
"""Examples of the dev set and their mean tokens."""
_PREDICTING = ("ablations", "structured", "subnetworks", "magnitude")
"""Stages whose rows are masks of one checkpoint, with the prediction of each on every example."""
_TARGETS: dict[MetricName, float] = {"accuracy": 0.95, "matthews": 0.93, "pearson": 0.93}
_TOO_OFTEN = 0.05


@dataclass(frozen=True)
class Case:
    """The full model of one run and masks of it, with the looks at which a running score is shown."""

    name: str
    of: Known
    masks: tuple[NDArray[Any], ...]
    """Predictions (N,) of each."""
    looks: tuple[int, ...]
    """Examples seen at each look but the last, exact one."""


@dataclass(frozen=True)
class Coverage:
    """Result of a simulation of one case; (K,) over looks where it says so."""

    name: str
    metric: MetricName
    n: int
    looks: tuple[int, ...]
    masks: int
    streams: int
    """Masks times random orders of the examples."""
    score_held: tuple[float, ...]
    """(K,): share of streams whose interval of the score holds the final score."""
    score_held_throughout: float
    """Share of streams whose interval of the score holds the final score at all looks."""
    difference_held_throughout: float
    """Share of streams whose interval of the difference holds the final difference at all looks."""
    widths: tuple[float, ...]
    """(K,): mean width where there is an interval."""
    noise_masks: int
    """Masks whose final verdict is "within noise"."""
    called_real: float
    """Share of their streams in which some look said otherwise; nan without such masks."""
    found: float
    """Share of the other masks' streams in which the last look before the exact one says "real"."""


def looks_of(n: int, tokens: int) -> tuple[int, ...]:
    """How many of n examples of so many tokens each are seen at the looks before the last one."""
    ids = np.zeros(n * tokens, np.int64)
    shards = shards_of(Encoded(ids, ids, np.arange(n + 1) * tokens))
    return tuple(int(seen) for seen in np.cumsum([len(shard.indices) for shard in shards])[:-1])


def cases_of(bundle: Bundle, model: str, masks: int) -> Iterator[Case]:
    """A case per task: the run with the most masks, at most so many of them; those that change nothing are left out."""
    manifests = [manifest for manifest in bundle.manifests() if manifest.model == model]
    for task, tokens in _TOKENS.items():
        runs = sorted({m.key.run for m in manifests if (m.stage, m.task) == ("finetune", task)})
        rows: dict[Run, list[NDArray[Any]]] = {
            run: [
                row
                for m in manifests
                if m.key.run == run and m.stage in _PREDICTING
                for row in bundle.read(m.key).arrays["predictions"]
            ]
            for run in runs
        }
        run = max(runs, key=lambda of: len(rows[of]), default=None)
        if run is None or not rows[run]:
            continue
        arrays = bundle.read(Key(run, "finetune")).arrays
        full, labels = arrays["logits"].argmax(1), arrays["labels"]
        distinct = [row for row in np.unique(rows[run], axis=0) if (row != full).any()]
        chosen = np.unique(np.linspace(0, len(distinct) - 1, min(masks, len(distinct))).astype(int))
        yield Case(
            f"{task}, seed {run.seed}",
            known(TASKS[task].metric, full, labels),
            tuple(distinct[at] for at in chosen),
            looks_of(len(labels), tokens),
        )


def synthetic_case(masks: int, *, seed: int = 0) -> Case:
    """A case for Pearson correlation, of made-up pairs: no run of STS-B is stored.

    As many examples as STS-B's dev set, labels 0 to 5, a full model that correlates with them by .88 or so, and masks
    that mix its prediction with noise of its own, half of them on a tenth of the examples only.
    """
    rng = np.random.default_rng(seed)
    n, tokens = _STS_B
    labels = np.round(rng.uniform(0, 5, n) * 5) / 5
    full = np.clip(labels + rng.normal(0, 0.85, n), 0, 5)
    made = []
    for at, amount in enumerate(np.geomspace(0.01, 3, masks)):
        changed = rng.random(n) < (0.1 if at % 2 else 1)
        pull = amount / (1 + amount) * (at % 3 > 0)
        made.append(full + changed * (pull * (full.mean() - full) + rng.normal(0, amount, n)))
    return Case("synthetic pairs", known("pearson", full, labels), tuple(made), looks_of(n, tokens))


def coverage(case: Case, orders: int, *, seed: int = 0) -> Coverage:
    """Streams every mask of a case in so many random orders of the examples, and counts. Raises BadRequest below 1."""
    if orders < 1 or not case.masks:
        raise BadRequest(f"{orders} orders of {len(case.masks)} masks give nothing to count.")
    rng = np.random.default_rng(seed)
    n, errors, held, widths, real, final_noise = len(case.of.labels), spent_at(case.looks), [], [], [], []
    for mask in tqdm(case.masks, desc=case.name, unit="mask"):
        final = compare(case.of.metric, mask, case.of.full, case.of.labels)
        for _ in range(orders):
            order = rng.permutation(n)
            looks = [
                running(case.of, order[:m], mask[order[:m]], error=error)
                for m, error in zip(case.looks, errors, strict=True)
            ]
            held.append(
                [
                    [
                        _holds(look.score.low, final.value_a, look.score.high),
                        _holds(look.difference.low, final.difference, look.difference.high),
                    ]
                    for look in looks
                ]
            )
            widths.append([look.score.high - look.score.low for look in looks])
            real.append([not look.difference.within_noise for look in looks])
            final_noise.append(final.within_noise)
    holds, called, noise = np.array(held), np.array(real), np.array(final_noise)  # (streams, K, 2), (streams, K)
    return Coverage(
        case.name,
        case.of.metric,
        n,
        case.looks,
        len(case.masks),
        len(holds),
        tuple(holds[..., 0].mean(0)),
        float(holds[..., 0].all(1).mean()),
        float(holds[..., 1].all(1).mean()),
        tuple(np.nanmean(widths, axis=0)),
        int(noise.sum()) // orders,
        float(called[noise].any(1).mean()) if noise.any() else float("nan"),
        float(called[~noise, -1].mean()) if not noise.all() else float("nan"),
    )


def _holds(low: float, value: float, high: float) -> bool:
    """Whether an interval holds a value; what has none claims nothing, and misses nothing."""
    return not (value < low - 1e-12 or value > high + 1e-12)


def is_met(found: Coverage) -> bool:
    """Whether all looks together hold as often as is asked, and noise is called real seldom enough."""
    least = min(found.score_held_throughout, found.difference_held_throughout)
    return least >= _TARGETS[found.metric] and not found.called_real > _TOO_OFTEN


def as_markdown(all_found: Sequence[Coverage]) -> str:
    """A table for BENCHMARKS.md, a row a case."""
    head = (
        "task, metric",
        "examples seen at each look",
        "streams",
        "score held, per look",
        f"score held at all looks (promised: {coverage_words()})",
        "difference held at all looks",
        "mean width, first and last look",
        "noise called real at some look",
        "a real difference seen at the last look",
        "target met",
    )
    rows = [
        (
            f"{found.name}, {found.metric}",
            f"{', '.join(map(str, found.looks))} of {found.n:,}",
            f"{found.streams:,} ({found.masks} masks)",
            ", ".join(f"{share:.3f}" for share in found.score_held),
            f"{found.score_held_throughout:.3f}",
            f"{found.difference_held_throughout:.3f}",
            f"{found.widths[0]:.3f}, {found.widths[-1]:.3f}",
            f"{found.called_real:.1%} ({found.noise_masks} masks)",
            f"{found.found:.0%}",
            "yes" if is_met(found) else "**no**",
        )
        for found in all_found
    ]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ("---",) * len(head), *rows))
