"""What an artefact of each stage has to hold, so that whoever reads it finds it: columns, arrays, sizes and values.

Long because every stage that is read has its layout here, in words for whoever broke it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, TypeGuard

import numpy as np
import pandas as pd

from explorer.arrays import AnyArray
from explorer.errors import BadBundle, BadMask, BadRequest
from explorer.glue.metrics import predictions_of, score_of
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.stats.interaction import pairs_of
from explorer.stats.ranks import ablation_losses
from explorer.store.bundle import Artefact
from explorer.store.model_shape import Shape, full_mask_in
from explorer.store.schema import ALL_SEEDS, Manifest
from explorer.store.stages import stage_named

_ROUNDING = 1e-6
"""Scores are written in full; what differs by more is another score."""

STATISTICS = ("entropy", "distance", "cls", "sep", "punctuation", "self", "previous", "next", "other")
PATTERNS = ("heterogeneous", "block", "diagonal", "vertical", "vertical+diagonal")
"""Columns of the table of heads, as explorer.patterns names them; it lies above the store, and a test compares them."""
PUBLISHED_SHAPE: Shape = (12, 12)
"""Layers and heads of the authors' BERT-base."""
_INTERVAL = ("score", "low", "high", "n")
_PART = "heads_kept", "mlps_kept"
_TICKETS_SO = set(product(("zero", "mean"), ("good", "random", "bad"), ("zero", "mean")))
"""What a ticket was found under, its kind, and what stands in where the stage mean-ablated scores it."""


class _Unfit(Exception):
    """One thing that is wrong, as the end of a sentence about the artefact."""


def problems_of_key(manifest: Manifest) -> Iterator[str]:
    """Yields what is wrong with the place of an artefact: a stage knows no such variant, or is not of one seed."""
    stage = stage_named(manifest.stage)
    if not stage.imported:
        try:
            given = stage.options_of(manifest.variant)
            stage.check(given)
            known = stage.variant_of(given) == manifest.variant
        except (BadRequest, IndexError):
            known = False
        if not known:
            yield f"{manifest.key.path} is no variant of {stage.name}."
            return
    if (manifest.seed == ALL_SEEDS) != stage.is_over_seeds(manifest.variant):
        yield f"{manifest.key.path} is {'over all seeds' if manifest.seed == ALL_SEEDS else 'of one seed'}, wrongly."


def problems_of_contents(artefact: Artefact, shape: Shape | None, n: int | None) -> Iterator[str]:
    """Yields, as a sentence, the first thing that its readers would not find or could not use.

    shape: layers and heads of the run's model. n: examples of the run's dev set. None where the bundle does not say.
    """
    manifest = artefact.manifest
    check = _CHECKS.get(manifest.stage)
    try:
        if check is not None:
            check(artefact, shape, n)
    except _Unfit as error:
        yield f"{manifest.key.path}: {error}."


def _finetune(artefact: Artefact, shape: Shape | None, _n: int | None) -> None:
    if shape is None:
        raise _Unfit("its config does not say the shape of the model, [layers, heads]")
    try:
        full_mask_in(artefact.manifest)
    except BadBundle:
        raise _Unfit("its config names heads that are gone which its model cannot have had") from None
    task = artefact.task
    labels = _array(artefact, "labels", (None,))
    _labels(task, labels)
    _logits(task, _array(artefact, "logits", (len(labels), *([None] if task.is_regression else [task.n_outputs]))))
    _numbers(artefact.manifest.summary, "score")
    _interval_of(artefact.manifest.summary)
    _is_of_its_answers(artefact.manifest.summary, task, artefact.arrays["logits"], labels)


def _is_of_its_answers(summary: Mapping[str, Any], task: Task, logits: AnyArray, labels: AnyArray) -> None:
    """Raises where a summary's score is of another metric, or not that of its logits and labels."""
    if summary.get("metric", task.metric) != task.metric:
        raise _Unfit(f"its score is {str(summary['metric'])[:20]}; that of {task.name} is {task.metric}")
    told, found = float(summary["score"]), score_of(task, logits, labels)
    if not _same_score(told, found):
        raise _Unfit(f"its summary says the score {told:.4f}; its logits and labels give {found:.4f}")


def _same_score(one: float, other: float) -> bool:
    return math.isclose(one, other, abs_tol=_ROUNDING) or (math.isnan(one) and math.isnan(other))


def _structured(artefact: Artefact, shape: Shape | None, n: int | None) -> None:
    table = _scored_masks(artefact, shape, n, ("step", "phase", "held", *_PART, "seconds"))
    _whole(table, "step")
    _flags(table, "held")
    _finite(table, "seconds")
    if list(table["step"]) != list(range(len(table))):
        raise _Unfit("the steps in its table are not numbered 0, 1, 2 ...")
    if not bool(table["held"].iloc[0]):
        raise _Unfit("its first step, the full model, is said not to have held")
    _mask(artefact.manifest.summary.get("ticket"), shape, "the ticket in its summary")
    _numbers(artefact.manifest.summary, "ticket_score")
    last = table[table["held"].astype(bool)].iloc[-1]
    if last["mask"] != artefact.manifest.summary["ticket"]:
        raise _Unfit("the ticket in its summary is not the last mask of its table that held")
    if not _same_score(float(last["score"]), float(artefact.manifest.summary["ticket_score"])):
        raise _Unfit("the ticket_score in its summary is not that of its ticket")
    _optional_parts(artefact, "importance_", len(table), shape)
    share = artefact.manifest.config.get("share", 0.9)
    if not _is_number(share) or not 0 < share <= 1:
        raise _Unfit("the share in its config is no number from 0 to 1")


def _ablations(artefact: Artefact, shape: Shape | None, n: int | None) -> None:
    table = _scored_masks(artefact, shape, n, ("component", "loss"))
    _finite(table, "loss", may_be_undefined=True)
    _texts(table, "component")
    try:
        ablation_losses(dict(zip(table["component"], table["loss"], strict=True)), *_known(shape))
    except BadRequest as error:
        raise _Unfit(f"its table does not switch off every component ({error.wrong.rstrip('.')})") from None


def _bank(artefact: Artefact, shape: Shape | None, n: int | None) -> None:
    table = artefact.table
    _columns(table, ("mask", "rate", "score"))
    _finite(table, "rate")
    _finite(table, "score", may_be_undefined=True)
    if table.empty:
        raise _Unfit("its table has no row")
    _masks(table, shape)
    _finite_array(artefact, "margins", (len(table), n))
    _numbers(artefact.manifest.summary, "full_score")


def _pairs(artefact: Artefact, shape: Shape | None, n: int | None) -> None:
    table, task = artefact.table, artefact.task
    numbers = ["interaction", "low", "high", "p"]
    numbers += [] if task.is_regression else [f"margin_{name}" for name in numbers]
    _columns(table, ("first", "second", "mask", "score", *numbers))
    layers, heads = _known(shape)
    parts = layers * (heads + 1)
    many = parts * (parts - 1) // 2  # compared before they are listed: a manifest or a table may say any number
    if len(table) != many or table[["first", "second"]].to_numpy().tolist() != pairs_of(parts).tolist():
        raise _Unfit("its table does not hold every two components once, in order")
    _masks(table, shape)
    _finite(table, "score", may_be_undefined=True)
    for name in numbers:
        _finite(table, name)
        if name.endswith("p") and not table[name].between(0, 1).all():
            raise _Unfit(f"the column {name!r} of its table holds a value that is not from 0 to 1")
    _array(artefact, "alone", (parts,), "f")
    rows, examples = 1 + parts + len(table), artefact.manifest.summary.get("n")
    if type(examples) is not int or examples < 1 or n not in (None, examples):
        raise _Unfit("n in its summary is not the number of examples")
    if task.is_regression:
        _finite_array(artefact, "values", (rows, examples), "f")
    else:
        _array(artefact, "right", (rows, -(-examples // 8)), "u")
    _numbers(artefact.manifest.summary, "full_score")


def _league(artefact: Artefact, shape: Shape | None, n: int | None) -> None:
    table, summary = artefact.table, artefact.manifest.summary
    _columns(table, (*_INTERVAL, "criterion", "draw", "removed", "mask_first", "mask_second"))
    _texts(table, "criterion")
    _intervals(table)
    for name in ("draw", "removed"):
        _whole(table, name)
    for name in ("mask_first", "mask_second"):
        _masks(table, shape, name)
    layers, heads = _known(shape)
    named = summary.get("criteria")
    real = [str(name) for name in named] if isinstance(named, list | tuple) else []
    if set(real) != set(table["criterion"]) or not {"chance", "expected"} <= set(real):
        raise _Unfit("its summary does not name the criteria of its table")
    parts, curves, criteria = layers * heads + layers, int((table["removed"] == 0).sum()), len(real) - 1
    every, sizes = list(range(parts + 1)), list(table["removed"])
    cut = criteria * len(every)
    third = sizes[cut : cut + (len(sizes) - cut) // max(curves - criteria, 1)]
    whole = third[:1] == [0] and third[-1] == parts and third == sorted(set(third))
    if not whole or sizes != every * criteria + third * (curves - criteria):
        raise _Unfit("its table does not hold every size of every order")
    for name, sides in (
        ("predictions", (criteria, len(every), n)),
        ("chance", (curves - criteria, len(third), n)),
        ("orders", (curves, 2, parts)),
        ("worth", (criteria, 3, parts)),
        ("areas", (curves, None)),
        ("gradients", (n, parts)),
    ):
        _finite_array(artefact, name, sides)
    if artefact.arrays["areas"].shape[1] < 2:
        raise _Unfit("areas hold no resamples")
    if type(summary.get("masks")) is not int:
        raise _Unfit("its summary does not say how many masks were scored")
    for name in ("full_score", "loss_full", "loss_empty", "loss_explained"):
        if not _is_number(summary.get(name)) or not math.isfinite(summary[name]):
            raise _Unfit(f"{name} in its summary is no number")


def _importance(artefact: Artefact, shape: Shape | None, _n: int | None) -> None:
    layers, heads = _known(shape)
    for name, sides in (("heads", (layers, heads)), ("mlps", (layers,))):
        _finite_array(artefact, name, sides)


def _subnetworks(artefact: Artefact, shape: Shape | None, n: int | None) -> None:
    table = _scored_masks(artefact, shape, n, ("kind", *_PART))
    _texts(table, "kind")
    tickets = artefact.manifest.config.get("tickets")
    if not isinstance(tickets, Mapping):
        raise _Unfit("its config names no tickets")
    for code in tickets.values():
        _mask(code, shape, "a ticket in its config")


def _transfer(artefact: Artefact, shape: Shape | None, n: int | None) -> None:
    table = _scored_masks(artefact, shape, n, ("ticket", "draw", *_PART))
    _texts(table, "ticket")
    _whole(table, "draw")
    tickets, draws = artefact.manifest.config.get("tickets"), artefact.manifest.config.get("draws")
    if not isinstance(tickets, Mapping) or type(draws) is not int or draws < 1:
        raise _Unfit("its config names no tickets or no number of draws")
    said, many = list(zip(table["ticket"], table["draw"], strict=True)), len(tickets) * (draws + 1)
    if len(said) != many or said != [(str(task), draw) for task in tickets for draw in range(draws + 1)]:
        raise _Unfit("its table does not hold each ticket and its random masks")
    _numbers(artefact.manifest.summary, "full_score")


def _mean_ablated(artefact: Artefact, shape: Shape | None, n: int | None) -> None:
    texts = ("part", "name", "instead", "found")
    table = _scored_masks(artefact, shape, n, (*texts, "step", "held", *_PART))
    for name in texts:
        _texts(table, name)
    _whole(table, "step")
    _flags(table, "held")
    tickets = table[table["part"] == "ticket"]
    if set(zip(tickets["found"], tickets["name"], tickets["instead"], strict=True)) != _TICKETS_SO:
        raise _Unfit("its table does not hold every ticket under both")
    layers, heads = _known(shape)
    alone = {f"head {layer} {head}" for layer in range(layers) for head in range(heads)}
    alone |= {f"mlp {layer}" for layer in range(layers)}
    if sorted(table.loc[table["part"] == "alone", "name"]) != sorted(alone):
        raise _Unfit("its table does not switch off every head and MLP alone, each once")
    summary = artefact.manifest.summary
    _mask(summary.get("ticket"), shape, "the ticket in its summary")
    _mask(artefact.manifest.config.get("ticket"), shape, "the ticket in its config")
    _numbers(summary, "full_score")
    if type(summary.get("examples_of_means")) is not int:
        raise _Unfit("its summary does not say how many examples its means are over")


def _constants(artefact: Artefact, shape: Shape | None, n: int | None) -> None:
    table = _scored_masks(artefact, shape, n, ("name", "rate", "instead", *_PART))
    for name in ("name", "instead"):
        _texts(table, name)
    _finite(table, "rate", may_be_undefined=True)
    same = [
        table.loc[table["instead"] == instead, ["mask", "name"]].to_numpy().tolist()
        for instead in ("zero", "mean", "learned")
    ]
    if set(table["instead"]) != {"zero", "mean", "learned"} or not same[0] == same[1] == same[2]:
        raise _Unfit("its table does not hold the same masks under all three, in the same order")
    drawn = table["name"] == "drawn"
    if not drawn.any() or not {"good", "random", "bad"} <= set(table["name"]):
        raise _Unfit("its table does not hold every ticket and random masks beside them")
    if table.loc[drawn, "rate"].isna().any():
        raise _Unfit("its table has a random mask without its keep rate")
    layers, heads = shape or (None, None)
    width = _array(artefact, "heads", (layers, heads, None), "f").shape
    _array(artefact, "mlps", (width[0], width[1] * width[2]), "f")
    _array(artefact, "losses", (None,), "f")
    for name in ("heads", "mlps", "losses"):
        if not np.isfinite(artefact.arrays[name]).all():
            raise _Unfit(f"{name} hold a value that is not a finite number")
    summary = artefact.manifest.summary
    _numbers(summary, "full_score")
    if type(summary.get("examples")) is not int:
        raise _Unfit("its summary does not say from how many examples it was learnt")
    if type(artefact.manifest.config.get("steps")) is not int:
        raise _Unfit("its config does not say in how many steps it was learnt")
    _mask(artefact.manifest.config.get("ticket"), shape, "the ticket in its config")


def _magnitude(artefact: Artefact, shape: Shape | None, n: int | None) -> None:
    table = _scored(artefact, n, ("step", "weights_kept", "share_kept", "held"))
    _flags(table, "held")
    for name in ("step", "weights_kept"):
        _whole(table, name)
    _finite(table, "share_kept")
    summary = artefact.manifest.summary
    _numbers(summary, "ticket_score")
    if not isinstance(summary.get("weight_mask_sha256"), str) or not isinstance(summary.get("note", ""), str):
        raise _Unfit("its summary does not name its weights' mask")
    layers, heads = _known(shape)
    for name, sides in (("heads", (len(table), layers, heads)), ("mlps", (len(table), layers))):
        _finite_array(artefact, name, sides)


def _retrained(artefact: Artefact, shape: Shape | None, n: int | None) -> None:
    summary, config = artefact.manifest.summary, artefact.manifest.config
    _numbers(summary, "score")
    _interval_of(summary)
    if not all(isinstance(config.get(name), str) for name in ("mask", "weight_mask_sha256")):
        raise _Unfit("its config does not say which subnetwork it is")
    if config["mask"]:
        _mask(config["mask"], shape, "the mask in its config")
    _predictions(artefact, 1, n)
    if not artefact.table.empty:
        _intervals(artefact.table)


def _baseline(artefact: Artefact, _shape: Shape | None, _n: int | None) -> None:
    summary = artefact.manifest.summary
    _numbers(summary, "score")
    draws = summary.get("draws")
    if type(draws) is not int or draws < 0 or not isinstance(summary.get("words"), str):
        raise _Unfit("its summary lacks its draws or its words")
    _numbers(summary, "sample_sd")


def _attention(artefact: Artefact, shape: Shape | None, _n: int | None) -> None:
    table = artefact.table
    measured = (
        *(f"{name}{ending}" for name in STATISTICS for ending in ("", "_sd")),
        *(f"{of}_{name}" for of in ("probability", "share") for name in PATTERNS),
        *("confidence", "uncertain"),
    )
    _columns(table, ("kind", "layer", "head", "n", "pattern", *measured))
    for name in ("layer", "head", "n"):
        _whole(table, name)
    for name in ("kind", "pattern"):
        _texts(table, name)
    for name in measured:
        _finite(table, name, may_be_undefined=name.removesuffix("_sd") in STATISTICS)
    if not set(table["kind"]) <= {"raw", "norm"} or len(table) != 2 * len(table.drop_duplicates(["layer", "head"])):
        raise _Unfit("its table does not hold both kinds of maps of every head")
    if not set(table["pattern"]) <= {*PATTERNS, "uncertain"}:
        raise _Unfit("its table names a pattern that is none")
    layers, heads = shape or (int(table["layer"].max()) + 1, int(table["head"].max()) + 1)
    places = set(zip(table["layer"], table["head"], strict=True))
    if len(places) != layers * heads or places != {(at, head) for at in range(layers) for head in range(heads)}:
        raise _Unfit(f"its table is not of {layers} layers x {heads} heads")
    _samples(artefact, (layers, heads))


def _samples(artefact: Artefact, shape: Shape) -> None:
    lengths = _array(artefact, "sample_lengths", (None,))
    if lengths.dtype.kind not in "iu" or (lengths < 1).any() or (lengths > 2**15).any():
        raise _Unfit("sample_lengths are no lengths of sentences")
    long, all_heads = lengths.astype(np.int64), shape[0] * shape[1]
    n, tokens = len(long), int(long.sum())
    _array(artefact, "sample_texts", (n, 2), kinds="U")
    _array(artefact, "sample_tokens", (tokens,), kinds="U")
    for name, sides in (
        ("sample_segments", (tokens,)),
        ("sample_greatest", (n, *shape)),
        ("sample_norms", (tokens * all_heads,)),
        ("sample_codes", (int((long**2).sum()) * all_heads,)),
    ):
        _finite_array(artefact, name, sides)


def _published_masks(artefact: Artefact, _shape: Shape | None, _n: int | None) -> None:
    _mask(artefact.manifest.summary.get("ticket"), PUBLISHED_SHAPE, "the ticket in its summary")
    for name, sides in (("heads", PUBLISHED_SHAPE), ("mlps", PUBLISHED_SHAPE[:1])):
        if not np.isin(_array(artefact, name, sides, kinds="biuf"), (0, 1)).all():
            raise _Unfit(f"{name} hold values other than 0 and 1")


def _published_scores(artefact: Artefact, _shape: Shape | None, _n: int | None) -> None:
    table = artefact.table
    _columns(table, ("folder", "condition", "metric", "is_task_metric", "mean", "population_sd", "n_seeds"))
    for name in ("folder", "condition", "metric"):
        _texts(table, name)
    _flags(table, "is_task_metric")
    _finite(table, "mean")
    _finite(table, "population_sd", may_be_undefined=True)
    _whole(table, "n_seeds", least=1)


_CHECKS: Mapping[str, Callable[[Artefact, Shape | None, int | None], None]] = {
    "finetune": _finetune,
    "importance": _importance,
    "structured": _structured,
    "ablations": _ablations,
    "bank": _bank,
    "league": _league,
    "pairs": _pairs,
    "attention": _attention,
    "magnitude": _magnitude,
    "subnetworks": _subnetworks,
    "mean-ablated": _mean_ablated,
    "constants": _constants,
    "transfer": _transfer,
    "retrained": _retrained,
    "baseline": _baseline,
    "published-masks": _published_masks,
    "published-scores": _published_scores,
}


def _scored_masks(artefact: Artefact, shape: Shape | None, n: int | None, more: Sequence[str]) -> pd.DataFrame:
    """The table of an artefact with a row a mask, checked."""
    table = _scored(artefact, n, ("mask", *more))
    _masks(table, shape)
    for name in _PART:
        if name in table:
            _whole(table, name)
    return table


def _scored(artefact: Artefact, n: int | None, more: Sequence[str]) -> pd.DataFrame:
    table = artefact.table
    _columns(table, (*_INTERVAL, *more))
    if table.empty:
        raise _Unfit("its table has no row")
    _intervals(table)
    _predictions(artefact, len(table), n)
    return table


def _intervals(table: pd.DataFrame) -> None:
    _columns(table, _INTERVAL)
    for name in ("score", "low", "high"):
        _finite(table, name, may_be_undefined=True)
        values = table[name].to_numpy(np.float64)
        if (np.abs(values[~np.isnan(values)]) > 1).any():
            raise _Unfit(f"its table has a {name} that is not from -1 to 1")
    _whole(table, "n", least=1)


def _interval_of(summary: Mapping[str, Any]) -> None:
    for name in ("low", "high"):
        if summary.get(name) is not None:
            _numbers(summary, name)
    if type(summary.get("n", 0)) is not int or summary.get("n", 0) < 0:
        raise _Unfit("n in its summary is no number of examples")


def _predictions(artefact: Artefact, rows: int, n: int | None) -> None:
    task = artefact.task
    said = _array(artefact, "predictions", (rows, n))
    if not np.isfinite(said).all() or said.size == 0:
        raise _Unfit("predictions hold a value that is not a finite number")
    if not task.is_regression and not np.isin(said, range(task.n_outputs)).all():
        raise _Unfit(f"predictions hold a value that is no class of {task.name}")
    if "logits" in artefact.arrays:
        outputs = [] if artefact.arrays["logits"].ndim == 2 and task.is_regression else [task.n_outputs]
        _finite_array(artefact, "logits", (rows, said.shape[1], *outputs))


def _labels(task: Task, labels: AnyArray) -> None:
    if not task.is_regression:
        right = np.isin(labels, range(task.n_outputs))
    else:
        right = np.isfinite(labels) if task.own else (labels >= 0) & (labels <= 5)
    if not len(labels) or not right.all():
        raise _Unfit(f"labels hold a value that is no label of {task.name}")


def _logits(task: Task, logits: AnyArray) -> None:
    try:
        predictions_of(task, logits)
    except BadRequest as error:
        raise _Unfit(f"its logits are not those of {task.name} ({error.wrong})") from None


def _optional_parts(artefact: Artefact, prefix: str, rows: int, shape: Shape | None) -> None:
    layers, heads = _known(shape)
    for name, sides in (("heads", (rows, layers, heads)), ("mlps", (rows, layers))):
        if prefix + name in artefact.arrays:
            _array(artefact, prefix + name, sides)


def _array(artefact: Artefact, name: str, shape: Sequence[int | None], kinds: str = "biuf") -> AnyArray:
    """An array of that shape, None for any length, and of those kinds of numpy types."""
    array = artefact.arrays.get(name)
    if array is None:
        raise _Unfit(f"it has no array {name!r}")
    if array.dtype.kind not in kinds or array.dtype.itemsize > 4096 or array.dtype.name == "float128":
        raise _Unfit(f"{name} are of type {array.dtype}")
    fits = array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape, strict=False))
    if not fits:
        wanted = " x ".join("any" if side is None else str(side) for side in shape)
        raise _Unfit(f"{name} are {' x '.join(map(str, array.shape)) or 'one value'}, not {wanted}")
    return array


def _finite_array(artefact: Artefact, name: str, shape: Sequence[int | None], kinds: str = "biuf") -> None:
    if not np.isfinite(_array(artefact, name, shape, kinds)).all():
        raise _Unfit(f"{name} hold a value that is not a finite number")


def _columns(table: pd.DataFrame, names: Sequence[str]) -> None:
    if missing := [name for name in names if name not in table.columns]:
        raise _Unfit(f"its table has no column {missing[0]!r}")


def _finite(table: pd.DataFrame, name: str, *, may_be_undefined: bool = False) -> None:
    column = table[name]
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "iuf":
        raise _Unfit(f"the column {name!r} of its table does not hold numbers")
    values = column.to_numpy(np.float64)
    if not np.isfinite(values[~np.isnan(values)] if may_be_undefined else values).all():
        raise _Unfit(f"the column {name!r} of its table holds a value that is not a finite number")


def _whole(table: pd.DataFrame, name: str, least: int = 0) -> None:
    column = table[name]
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "iu" or (column < least).any():
        raise _Unfit(f"the column {name!r} of its table does not hold whole numbers from {least} on")


def _flags(table: pd.DataFrame, name: str) -> None:
    if table[name].dtype != np.bool_:
        raise _Unfit(f"the column {name!r} of its table does not hold true and false")


def _texts(table: pd.DataFrame, name: str) -> None:
    if not all(isinstance(value, str) for value in table[name]):
        raise _Unfit(f"the column {name!r} of its table does not hold text")


def _numbers(of: Mapping[str, Any], name: str) -> None:
    value = of.get(name)
    if not _is_number(value) or math.isinf(value) or abs(value) > 1:
        raise _Unfit(f"{name} in its summary is no score")


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mask(code: Any, shape: Shape | None, what: str) -> None:
    if not isinstance(code, str):
        raise _Unfit(f"{what} is no mask code")
    try:
        Mask.from_code(code, *_known(shape))
    except BadMask as error:
        raise _Unfit(f"{what} does not fit ({error.wrong.rstrip('.')})") from None


def _masks(table: pd.DataFrame, shape: Shape | None, name: str = "mask") -> None:
    for code in table[name]:
        _mask(code, shape, "a mask in its table")


def _known(shape: Shape | None) -> Shape:
    if shape is None:
        raise _Unfit("nothing says how many layers and heads its model has: its run is not fine-tuned in this bundle")
    return shape
