"""A league small enough to make in a moment, without torch: drawn predictions that get worse as parts go."""

from __future__ import annotations

import numpy as np
import pandas as pd

from explorer.glue.tasks import TASKS
from explorer.stats.areas import area_under, cross_scores
from explorer.stats.interaction import pairs_of
from explorer.stats.weighted import draw_weights
from explorer.store.schema import Key
from explorer.tickets.criteria import (
    CHANCE,
    CRITERIA,
    chance_orders,
    chance_sizes,
    halves_of,
    mask_of,
    nested_masks,
    order_of,
    random_masks,
)
from tests.bundles import H, L, write


def with_bank(bundle, run, shape=(L, H), many=100, **more):
    """A bank of random masks: the more parts are off, the more examples are wrong, and the first head counts most."""
    kept, rates = random_masks(shape[0] * (shape[1] + 1), many)
    labels = bundle.read(Key(run, "finetune")).arrays["labels"]
    hard = np.random.default_rng(run.seed).uniform(size=len(labels))
    share = 0.4 + 0.3 * kept[:, 0] + 0.3 * kept[:, 1:].mean(axis=1)
    margins = (share[:, None] - hard).astype(np.float16)
    scores = (margins > 0).mean(axis=1)
    table = pd.DataFrame({"mask": [mask_of(row, shape).code for row in kept], "rate": rates, "score": scores})
    summary = {"masks": many, "full_score": 0.9}
    return write(bundle, Key(run, "bank"), summary=summary, arrays={"margins": margins}, table=table, **more)


def with_league(bundle, run, shape=(L, H), draws=3, **more):
    """The league of a run whose labels the bundle has; the paper's criterion keeps most, chance least."""
    rng = np.random.default_rng(run.seed)
    labels = bundle.read(Key(run, "finetune")).arrays["labels"]
    n, parts = len(labels), shape[0] * (shape[1] + 1)
    halves, names = halves_of(n), [criterion.name for criterion in CRITERIA]
    worth = rng.uniform(size=(len(names) - 1, 3, parts))
    orders = [(order_of(of[1]), order_of(of[0])) for of in worth]
    orders += [(order, order) for order in chance_orders(parts, draws)]
    curve_names = [*names[:-1], *[CHANCE] * draws]
    hard = rng.uniform(size=n)
    ease = np.linspace(1.6, 0.4, len(orders))
    share = 0.5 + 0.4 * (1 - np.linspace(0, 1, parts + 1)[None] ** ease[:, None])
    right = hard[None, None] < share[..., None]
    said = np.where(right, labels, 1 - labels).astype(np.int8)
    weights, rows, areas = draw_weights(halves, 100), [], []
    for name, draw, (first, second), predictions in zip(
        curve_names, [*[0] * (len(names) - 1), *range(draws)], orders, said, strict=True
    ):
        sizes = chance_sizes(parts) if name == CHANCE else np.arange(parts + 1)
        scores = cross_scores(TASKS[run.task].metric, predictions[sizes], labels, halves, weights)
        areas.append(area_under(scores, sizes))
        low, high = np.quantile(scores[1:], (0.025, 0.975), axis=0)
        ones, others = nested_masks(first, shape), nested_masks(second, shape)
        rows += [
            {
                "criterion": name,
                "draw": draw,
                "removed": removed,
                "mask_first": ones[removed].code,
                "mask_second": others[removed].code,
                "score": float(scores[0, at]),
                "low": float(low[at]),
                "high": float(high[at]),
                "n": n,
            }
            for at, removed in enumerate(sizes.tolist())
        ]
    summary = {
        "full_score": 0.9,
        "criteria": names,
        "masks": 100,
        "loss_full": 0.3,
        "loss_empty": 0.7,
        "loss_explained": -0.4,
    }
    arrays = {
        "predictions": said[:-draws],
        "chance": said[-draws:, chance_sizes(parts)],
        "orders": np.array(orders, np.int16),
        "worth": worth,
        "first_half": halves[0].astype(np.int32),
        "areas": np.stack(areas).astype(np.float32),
        "gradients": rng.normal(size=(n, parts)).astype(np.float16),
    }
    return write(bundle, Key(run, "league"), summary=summary, arrays=arrays, table=pd.DataFrame(rows), **more)


def with_pairs(bundle, run, shape=(L, H)):
    """Every pair of a run: the first two heads need each other, the last two MLPs replace each other, others add up."""
    labels = bundle.read(Key(run, "finetune")).arrays["labels"]
    parts, n = shape[0] * (shape[1] + 1), len(labels)
    pairs = pairs_of(parts)
    value, none = np.zeros(len(pairs)), np.zeros(len(pairs))
    p = np.linspace(0.2, 1, len(pairs))
    for pair, much in (((0, 1), 0.25), ((parts - 2, parts - 1), -0.125)):
        at = int(np.flatnonzero((pairs == pair).all(axis=1))[0])
        value[at], p[at] = much, 1e-6
    kept = np.ones((len(pairs), parts), np.bool_)
    kept[np.arange(len(pairs)), pairs[:, 0]] = kept[np.arange(len(pairs)), pairs[:, 1]] = False
    table = pd.DataFrame({"first": pairs[:, 0], "second": pairs[:, 1]})
    table["mask"] = [mask_of(row, shape).code for row in kept]
    table["score"] = 0.8
    sides = {"interaction": value, "low": value - 0.05, "high": value + 0.05, "p": p}
    margin = {"interaction": none, "low": none, "high": none, "p": none + 1}
    table = table.assign(**sides, **{f"margin_{name}": side for name, side in margin.items()})
    arrays = {"alone": np.full(parts, 0.8), "right": np.zeros((1 + parts + len(pairs), -(-n // 8)), np.uint8)}
    summary = {"masks": parts + len(pairs), "pairs": len(pairs), "full_score": 0.9, "n": n}
    return write(bundle, Key(run, "pairs"), summary=summary, arrays=arrays, table=table)
