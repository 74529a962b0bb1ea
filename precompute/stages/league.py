"""Stage league: what each criterion is worth, by pruning in its order one component at a time and scoring exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from explorer.arrays import AnyArray, Float64Array, Int64Array
from explorer.glue.data_hash import examples_sha256
from explorer.glue.metrics import predictions_of
from explorer.glue.tasks import Examples
from explorer.live.evaluator import Evaluator
from explorer.stats.areas import area_under, cross_scores
from explorer.stats.weighted import draw_weights
from explorer.store.bundle import Artefact
from explorer.store.runs_of_task import complete, current_artefact
from explorer.store.schema import Manifest
from explorer.study.mask_bank import mask_bank_of
from explorer.tickets.criteria import (
    BANZHAF,
    CHANCE,
    CRITERIA,
    DRAWS,
    EXPECTED,
    chance_orders,
    chance_sizes,
    halves_of,
    nested_masks,
    order_of,
)
from explorer.tickets.gate_gradients import NODES
from precompute.artefacts import Draft, Stopwatch, finished, same_options
from precompute.options import Options
from precompute.stages.measured import measured, measured_before
from precompute.stages.opened import OpenRun, evaluator_of, open_run, require_every_head, score_masks

_SPLIT_SEED = _DRAW_SEED = 0
"""Seed that draws the same halves and random orders for every run of a task, so that seeds are compared on them."""


@dataclass(frozen=True)
class _Curve:
    """One order a half: what is scored on the first half was measured on the second, and the reverse."""

    criterion: str
    draw: int
    orders: tuple[Int64Array, Int64Array]
    sizes: Int64Array
    """How many components are off at each of its points, (S,)."""


def make(options: Options) -> Manifest:
    """Measures every criterion on each half of dev, prunes in its order and scores on the other half.

    Goes on where an earlier call was killed: each order's scores are kept as they are known. A league whose bank is
    new or has grown is made anew from all that the bank does not change.
    """
    key, bundle = options.key("league"), options.bundle
    of_bank = options.key("bank")
    banked = complete(bundle, of_bank)
    if banked is None and bundle.has(of_bank) and bundle.manifest(of_bank).complete:
        current_artefact(bundle, of_bank)  # says that it is of another checkpoint: else a criterion would be left out
    before = complete(bundle, key)
    with_bank = banked or (before and BANZHAF in before.config.get("criteria", ()))
    names = [one.name for one in CRITERIA if one.name != BANZHAF or with_bank]
    masks = (banked.config.get("masks") if banked else before and before.config.get("bank")) or 0
    config = {
        "data": "dev",
        "split_seed": _SPLIT_SEED,
        "draw_seed": _DRAW_SEED,
        "draws": DRAWS,
        "chance_sizes": "every third",
        "nodes": NODES,
        "criteria": names,
        **({"bank": masks} if masks else {}),  # absent before banks could grow
    }
    if not _of_another_bank(before, config) and (there := finished(bundle, key, config)):
        return there
    opened = open_run(options)
    require_every_head(opened.classifier.gone, "The league")
    draft = Draft(options, key, config, {"dev": opened.dev}, opened.classifier.sha256)
    began = draft.state("began")  # holds nothing but the seconds of earlier sittings
    earlier = _earlier(draft)
    watch = Stopwatch.start(began.seconds + (earlier.manifest.seconds if earlier else 0.0))
    halves = halves_of(len(opened.dev), _SPLIT_SEED)
    everything = (*halves, np.arange(len(opened.dev)))
    of = measured_before(earlier) if earlier else measured(opened, draft, everything)
    worth = dict(of.worth)
    if banked:
        bank = mask_bank_of(bundle.read(banked.key), opened.evaluator.labels, opened.shape)
        worth[BANZHAF] = np.stack([bank.worth(rows).value for rows in everything])
    worth = {name: worth[name] for name in names if name != CHANCE}
    components = worth[EXPECTED].shape[1]
    every, third = np.arange(components + 1), chance_sizes(components)
    curves = [_Curve(name, 0, (order_of(second), order_of(first)), every) for name, (first, second, _) in worth.items()]
    drawn = chance_orders(components, DRAWS, _DRAW_SEED)
    curves += [_Curve(CHANCE, number, (order, order), third) for number, order in enumerate(drawn)]
    evaluators = tuple(_of_half(opened, options, half) for half in halves)
    known = _known(earlier, curves)
    predictions = []
    for number, curve in enumerate(curves):
        predictions.append(known[number] if number in known else _scored(curve, opened, draft, evaluators, halves))
        began.save()
    summary = {
        "full_score": opened.evaluator.full.score,
        "criteria": [*worth, CHANCE],
        "masks": sum(len(set(map(bytes, curve.orders))) * len(curve.sizes) for curve in curves),
        **of.losses,
    }
    kind = np.float32 if options.task.is_regression else np.int8
    table, areas = _results(opened, curves, predictions, halves)
    arrays = {
        "predictions": np.stack(predictions[: len(worth)]).astype(kind),
        "chance": np.stack(predictions[len(worth) :]).astype(kind),
        "orders": np.stack([np.stack(curve.orders) for curve in curves]).astype(np.int16),
        "worth": np.stack(list(worth.values())),
        "first_half": halves[0].astype(np.int32),
        "areas": areas.astype(np.float32),
        "gradients": of.gradients.astype(np.float16),
    }
    return draft.write(summary, watch.seconds, arrays=arrays, table=table)


def _of_another_bank(there: Manifest | None, config: Mapping[str, Any]) -> bool:
    """Whether a league differs from the one that is asked for in nothing but the bank that its run had."""
    if there is None or same_options(there, config):
        return False
    return same_options(replace(there, config=_without_bank(there.config)), _without_bank(config))


def _without_bank(config: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in config.items() if name != "bank"}
    return {**kept, "criteria": [name for name in config.get("criteria", ()) if name != BANZHAF]}


def _earlier(draft: Draft) -> Artefact | None:
    """The league of these weights and data that is there already."""
    there = complete(draft.options.bundle, draft.key)
    if there is None or there.checkpoint_sha256 != draft.checkpoint_sha256:
        return None
    same = there.data["dev"]["sha256"] == draft.splits["dev"].sha256
    return draft.options.bundle.read(draft.key) if same else None


def _of_half(opened: OpenRun, options: Options, half: Int64Array) -> Evaluator:
    items = tuple(opened.dev.items[i] for i in half)
    examples: Examples = replace(opened.dev, items=items, sha256=examples_sha256(items))
    return evaluator_of(opened.classifier, examples, options)


def _scored(
    curve: _Curve,
    opened: OpenRun,
    draft: Draft,
    evaluators: Sequence[Evaluator],
    halves: Sequence[Int64Array],
) -> AnyArray:
    """Predictions of every size, (S, n), each half's under its own order."""
    shape = opened.shape
    task, said = draft.options.task, np.empty((len(curve.sizes), len(opened.dev)))
    for number, (order, evaluator, half) in enumerate(zip(curve.orders, evaluators, halves, strict=True)):
        name = f"{curve.criterion}-{curve.draw}-{number}"
        state = draft.state(name, ",".join(map(str, order)))
        words = f"{curve.criterion} {curve.draw} {opened.run.path}"
        every = nested_masks(order, shape)
        scored = score_masks(evaluator, [every[size] for size in curve.sizes], words, state)
        said[:, half] = np.stack([predictions_of(task, one.logits) for one in scored])
    return said


def _known(earlier: Artefact | None, curves: Sequence[_Curve]) -> Mapping[int, AnyArray]:
    """Which curves an earlier league holds already, by their orders: number -> (S, n)."""
    if earlier is None:
        return {}
    arrays = earlier.arrays
    predictions = [*arrays["predictions"], *arrays["chance"]]
    stored = {orders.tobytes(): said for orders, said in zip(arrays["orders"], predictions, strict=True)}
    found = {
        number: stored.get(np.stack(curve.orders).astype(np.int16).tobytes()) for number, curve in enumerate(curves)
    }
    return {number: said for number, said in found.items() if said is not None}


def _results(
    opened: OpenRun, curves: Sequence[_Curve], said: Sequence[AnyArray], halves: Sequence[Int64Array]
) -> tuple[pd.DataFrame, Float64Array]:
    """A row a curve and size, with its score and interval; and the areas, (curves, 1 + resamples)."""
    metric, labels = opened.evaluator.task.metric, opened.evaluator.labels
    weights, shape = draw_weights(halves), opened.shape
    rows: list[dict[str, Any]] = []
    areas = []
    for curve, predictions in zip(curves, said, strict=True):
        scores = cross_scores(metric, predictions, labels, halves, weights)  # (1 + R, S)
        areas.append(area_under(scores, curve.sizes))
        low, high = np.quantile(scores[1:], (0.025, 0.975), axis=0)
        first, second = (nested_masks(order, shape) for order in curve.orders)
        rows += [
            {
                "criterion": curve.criterion,
                "draw": curve.draw,
                "removed": removed,
                "mask_first": first[removed].code,
                "mask_second": second[removed].code,
                "score": float(scores[0, at]),
                "low": float(low[at]),
                "high": float(high[at]),
                "n": len(labels),
            }
            for at, removed in enumerate(curve.sizes.tolist())
        ]
    return pd.DataFrame(rows), np.stack(areas)
