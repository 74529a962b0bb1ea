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
from explorer.stats.areas import area_under, cross_scores, draw_weights
from explorer.store.runs_of_task import complete
from explorer.store.schema import Manifest
from explorer.study.mask_bank import mask_bank_of
from explorer.tickets import criteria
from explorer.tickets.criteria import (
    BANZHAF,
    CHANCE,
    CRITERIA,
    DRAWS,
    chance_orders,
    chance_sizes,
    halves_of,
    nested_masks,
    order_of,
)
from explorer.tickets.gate_gradients import (
    NODES,
    activation_norms,
    gate_gradients,
    losses_of,
    path_nodes,
    weight_norms,
)
from precompute.artefacts import Draft, Stopwatch, finished, require_same_checkpoint, same_options
from precompute.options import Options
from precompute.stages.ablations import single_ablations
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

    Goes on where an earlier call was killed: each order's scores are kept as they are known.
    """
    key, bundle = options.key("league"), options.bundle
    banked = complete(bundle, options.key("bank"))
    before = complete(bundle, key)
    with_bank = banked or (before and BANZHAF in before.config.get("criteria", ()))
    names = [one.name for one in CRITERIA if one.name != BANZHAF or with_bank]
    config = {
        "data": "dev",
        "split_seed": _SPLIT_SEED,
        "draw_seed": _DRAW_SEED,
        "draws": DRAWS,
        "chance_sizes": "every third",
        "nodes": NODES,
        "criteria": names,
    }
    if not _lacks_the_bank(before, config) and (there := finished(bundle, key, config)):
        return there
    opened = open_run(options)
    require_every_head(opened.classifier.gone, "The league")
    draft = Draft(options, key, config, {"dev": opened.dev}, opened.classifier.sha256)
    began = draft.state("began")  # holds nothing but the seconds of earlier sittings
    watch = Stopwatch.start(began.seconds)
    halves = halves_of(len(opened.dev), _SPLIT_SEED)
    measured, losses = _measured(opened, draft)
    worth = {
        name: tuple(_worth(name, measured, rows) for rows in (*halves, np.arange(len(opened.dev))))
        for name in names
        if name not in (BANZHAF, CHANCE)
    }
    if banked:
        require_same_checkpoint(bundle, banked, bundle.manifest(options.key("finetune")))
        bank = mask_bank_of(bundle.read(banked.key), opened.evaluator.labels, opened.evaluator.full_mask.heads.shape)
        worth[BANZHAF] = tuple(bank.worth(rows).value for rows in (*halves, np.arange(len(opened.dev))))
    worth = {name: worth[name] for name in names if name != CHANCE}
    components = len(next(iter(worth.values()))[0])
    every, third = np.arange(components + 1), chance_sizes(components)
    curves = [_Curve(name, 0, (order_of(second), order_of(first)), every) for name, (first, second, _) in worth.items()]
    drawn = chance_orders(components, DRAWS, _DRAW_SEED)
    curves += [_Curve(CHANCE, number, (order, order), third) for number, order in enumerate(drawn)]
    evaluators = tuple(_of_half(opened, options, half) for half in halves)
    known = _known(draft, curves)
    predictions = []
    for number, curve in enumerate(curves):
        predictions.append(known[number] if number in known else _scored(curve, opened, draft, evaluators, halves))
        began.save()
    full_loss, empty_loss = losses
    explained = measured["integrated"].astype(np.float64).sum(axis=1)
    summary = {
        "full_score": opened.evaluator.full.score,
        "criteria": [*worth, CHANCE],
        "masks": sum(len(set(map(bytes, curve.orders))) * len(curve.sizes) for curve in curves),
        "loss_full": float(full_loss.mean()),
        "loss_empty": float(empty_loss.mean()),
        "loss_explained": float(explained.mean()),
    }
    kind = np.float32 if options.task.is_regression else np.int8
    table, areas = _results(opened, curves, predictions, halves)
    arrays = {
        "predictions": np.stack(predictions[: len(worth)]).astype(kind),
        "chance": np.stack(predictions[len(worth) :]).astype(kind),
        "orders": np.stack([np.stack(curve.orders) for curve in curves]).astype(np.int16),
        "worth": np.stack([np.stack(of) for of in worth.values()]),
        "first_half": halves[0].astype(np.int32),
        "areas": areas.astype(np.float32),
        "gradients": measured["gradients"].astype(np.float16),
    }
    return draft.write(summary, watch.seconds, arrays=arrays, table=table)


def _lacks_the_bank(there: Manifest | None, config: Mapping[str, Any]) -> bool:
    """Whether a league was made before its run had a bank: then it is made anew, from what is kept of it."""
    if there is None or BANZHAF not in config["criteria"] or BANZHAF in there.config.get("criteria", ()):
        return False
    return same_options(there, {**config, "criteria": [name for name in config["criteria"] if name != BANZHAF]})


def _measured(opened: OpenRun, draft: Draft) -> tuple[Mapping[str, AnyArray], tuple[Float64Array, Float64Array]]:
    """What each component is to each example, (n, C) by name, and the losses (n,) with everything on and off."""
    of, classifier = opened.evaluator, opened.classifier
    arguments = (classifier, of.task, of.encoded, of.labels)
    batch = 32 if of.device == "cpu" else 256
    state = draft.state("measured")
    known = dict(state.arrays)

    def keep(name: str, value: AnyArray) -> None:
        known[name] = value
        state.save(**known)

    if "gradients" not in known:
        keep("gradients", gate_gradients(*arguments, batch_size=batch, device=of.device))
    places, weights = path_nodes(NODES)
    for number in range(int(known.get("nodes", np.array(0))), NODES):
        at = gate_gradients(*arguments, at=float(places[number]), batch_size=batch, device=of.device)
        known["integrated"] = known.get("integrated", np.zeros_like(at)) + np.float32(weights[number]) * at
        keep("nodes", np.array(number + 1))
    if "activation" not in known:
        keep("activation", activation_norms(of.engine, of.shards, len(of.encoded)))
    empty = replace(of.full_mask, heads=of.full_mask.heads & False, mlps=of.full_mask.mlps & False)
    single = dict(single_ablations(of.full_mask))
    names = [name for name in single if name.startswith("head")] + [name for name in single if name.startswith("mlp")]
    masks = [*(single[name] for name in names), empty]
    ablated = score_masks(of, masks, f"alone {opened.run.path}", draft.state("alone"))
    full_loss = losses_of(of.task, of.full.logits, of.labels)
    *alone, empty_loss = (losses_of(of.task, one.logits, of.labels) for one in ablated)
    known["ablation"] = np.stack(alone, axis=1) - full_loss[:, None]
    known["weights"] = np.broadcast_to(weight_norms(of.engine), known["ablation"].shape)
    return known, (full_loss, empty_loss)


def _worth(name: str, measured: Mapping[str, AnyArray], rows: Int64Array) -> Float64Array:
    """The worth of each component, (C,), by what was measured on some examples."""
    if name in ("integrated", "ablation", "activation", "weights"):
        mean = measured[name][rows].astype(np.float64).mean(axis=0)
        return -mean if name == "integrated" else mean  # what the loss falls by
    of = {
        "expected": criteria.expected,
        "signed": criteria.signed,
        "fisher": criteria.fisher,
        "batch": criteria.per_batch,
        "published": criteria.published,
    }
    return of[name](measured["gradients"][rows])


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
    shape = opened.classifier.n_layers, opened.classifier.n_heads
    task, said = draft.options.task, np.empty((len(curve.sizes), len(opened.dev)))
    for number, (order, evaluator, half) in enumerate(zip(curve.orders, evaluators, halves, strict=True)):
        name = f"{curve.criterion}-{curve.draw}-{number}"
        state = draft.state(name, ",".join(map(str, order)))
        words = f"{curve.criterion} {curve.draw} {opened.run.path}"
        every = nested_masks(order, shape)
        scored = score_masks(evaluator, [every[size] for size in curve.sizes], words, state)
        said[:, half] = np.stack([predictions_of(task, one.logits) for one in scored])
    return said


def _known(draft: Draft, curves: Sequence[_Curve]) -> Mapping[int, AnyArray]:
    """Which curves a league of the same weights and data holds already, by their orders: number -> (S, n)."""
    there = complete(draft.options.bundle, draft.key)
    if there is None or there.checkpoint_sha256 != draft.checkpoint_sha256:
        return {}
    if there.data["dev"]["sha256"] != draft.splits["dev"].sha256:
        return {}
    arrays = draft.options.bundle.read(draft.key).arrays
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
    weights, shape = draw_weights(halves), (opened.classifier.n_layers, opened.classifier.n_heads)
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
