"""The benchmark of the live score: every figure beside its target, plain transformers in the same run."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from explorer.arrays import Float32Array
from explorer.bert.checkpoints import Classifier, load_finetuned
from explorer.bert.memory import resident_bytes
from explorer.bert.precision import fast_dtype
from explorer.bert.reference import reference_logits
from explorer.errors import BadRequest
from explorer.glue.metrics import predictions_of
from explorer.glue.sources import load_examples
from explorer.glue.tasks import TASKS, Examples
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from explorer.store.bundle import CHECKPOINT, Bundle
from explorer.store.ledger import Ledger
from explorer.store.schema import Run
from precompute.bench import figures
from precompute.bench.onnx_runtime import onnx_forward
from precompute.options import device_words

_MB = 1e6
_REPORTED = "reported"
_TIMED_PLAIN = 3
"""Runs of plain transformers, of which the median counts: they are slow."""


@dataclass(frozen=True)
class Figure:
    """One row of the table."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None
    """Whether the target is met; None where there is none."""


def bench_live(
    bundle: Bundle, model: str, task: str, seed: int, glue_dir: Path | None, *, masks: int, toggles: int
) -> Iterator[Figure]:
    """Yields figures in the order in which they are measured.

    masks: random masks compared with fp32 transformers, spread over the tasks whose checkpoints are there; toggles: how
    many of the single ones are timed, evenly spread. Raises BadBundle or BadData where run or data are missing.
    """
    run = Run(model, task, seed)
    classifier = load_finetuned(str(bundle.checkpoint(run)), TASKS[task])
    examples = load_examples(TASKS[task], "dev", glue_dir)
    before = resident_bytes()
    evaluator = Evaluator(classifier, examples)
    every = tuple(figures.single_toggles(classifier.n_layers, classifier.n_heads))
    clicked = [every[i] for i in np.unique(np.linspace(0, len(every) - 1, min(toggles, len(every))).astype(int))]
    yield Figure("machine", f"{device_words('cpu')}, {os.cpu_count()} cores, {evaluator.precision}")

    for mask in clicked[:: max(1, len(clicked) // 4)]:
        figures.time_toggle(evaluator, mask)  # warm
    timed = [figures.time_toggle(evaluator, mask) for mask in tqdm(clicked, desc="toggles", unit="mask")]
    memory = resident_bytes() - before
    first, final = ([getattr(toggle, name) for toggle in timed] for name in ("first", "final"))
    yield _at_most("first score with interval after a toggle, median", statistics.median(first), 0.25)
    yield _at_most(f"exact final score, median of {len(timed)} toggles", statistics.median(final), 1.0)
    yield _at_most("exact final score, worst", max(final), 2.0)
    share = sum(toggle.rechecked for toggle in timed) / (len(timed) * len(examples))
    yield Figure("examples decided in fp32, mean share", f"{share:.1%}")

    sample = clicked[:: max(1, len(clicked) // _TIMED_PLAIN)][:_TIMED_PLAIN]
    for words, width, at_least in (
        ("against transformers, length-sorted, padded per batch of 32", None, 5.0),
        (f"against padding to {figures.PADDED_TO}, as the authors evaluate", figures.PADDED_TO, 25.0),
    ):
        plain = statistics.median(
            figures.plain_seconds(classifier, evaluator.encoded, mask, padded_to=width) for mask in sample
        )
        ratio = plain / statistics.median(final)
        yield Figure(words, f"{ratio:.1f}x ({plain:.2f} s)", f"at least {at_least:g}x", ratio >= at_least)
    yield from _other_ways(classifier, evaluator, sample, statistics.median(final))
    yield _verifying(evaluator, sample)

    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite")
        known = figures.known_seconds(evaluator, clicked[-12:], ledger)
        ledger.close()
    yield Figure("a mask seen before", f"{known * 1e3:.1f} ms", "at most 20 ms", known <= 0.02)
    yield from _peak_share(evaluator, classifier.model.config.hidden_size)
    yield Figure("memory held for the task", f"{memory / _MB:,.0f} MB", "at most 1,500 MB", memory <= 1500 * _MB)
    yield from _base_size(classifier, examples)
    if masks:
        yield from _parity(bundle, model, glue_dir, masks)


def _other_ways(
    classifier: Classifier, evaluator: Evaluator, masks: Sequence[Mask], engine_seconds: float
) -> Iterator[Figure]:
    """What a person might use instead: plain transformers in bf16, and ONNX Runtime with as many threads."""
    encoded, task = evaluator.encoded, evaluator.task
    exact = [predictions_of(task, reference_logits(classifier, encoded, mask)) for mask in masks]

    def against(words: str, forward: Callable[[Mask], Float32Array]) -> Figure:
        seconds, logits = figures.timed_logits(forward, masks)
        predicted = [predictions_of(task, of) for of in logits]
        differ = sum(int((one != other).sum()) for one, other in zip(predicted, exact, strict=True))
        beside = f"{differ} of {len(masks) * len(encoded):,} predictions are not fp32's"
        return Figure(words, f"{seconds / engine_seconds:.1f}x ({seconds:.2f} s); {beside}", _REPORTED)

    words = "against transformers in bf16, padded per batch of 32"
    if fast_dtype() == torch.float32:
        yield Figure(words, "left out: this processor is not fast in bf16", _REPORTED)
    else:
        yield against(words, partial(reference_logits, figures.in_bf16(classifier), encoded))
    words = "against ONNX Runtime in fp32, gates in its graph, padded per batch of 32"
    try:
        yield against(words, onnx_forward(classifier, encoded))
    except BadRequest as error:
        yield Figure(words, f"left out: {error}", _REPORTED)


def _verifying(evaluator: Evaluator, masks: Sequence[Mask]) -> Figure:
    words = "verifying a score in fp32, after it is shown, median"
    scored = [evaluator.evaluate(mask) for mask in masks]
    if all(of.verified for of in scored):
        return Figure(words, "nothing to do: fp32 throughout", _REPORTED)
    seconds = statistics.median(figures.seconds_of(partial(evaluator.verified, of)) for of in scored)
    return Figure(words, f"{seconds:.2f} s", _REPORTED)


def _peak_share(evaluator: Evaluator, width: int) -> Iterator[Figure]:
    flops = figures.forward_flops(evaluator.encoded, evaluator.engine.n_layers, width)
    for engine in dict.fromkeys((evaluator.scorer.fast, evaluator.scorer.exact)):
        peak = figures.gemm_peak(engine.dtype)
        seconds = min(figures.full_forward_seconds(engine, evaluator) for _ in range(5))
        name, share = str(engine.dtype).removeprefix("torch."), flops / seconds / peak
        yield Figure(
            f"share of the measured GEMM peak, full forward, {name}",
            f"{share:.0%} ({seconds:.2f} s; peak {peak / 1e9:,.0f} GFLOP/s)",
            "at least 60%",
            share >= 0.6,
        )


def _base_size(classifier: Classifier, examples: Examples) -> Iterator[Figure]:
    large = Evaluator(figures.base_size(classifier), examples)
    every = tuple(figures.single_toggles(large.engine.n_layers, large.engine.n_heads))
    timed = [figures.time_toggle(large, mask) for mask in every[:: max(1, len(every) // 12)]]
    first, final = (statistics.median(getattr(toggle, name) for toggle in timed) for name in ("first", "final"))
    yield _at_most(f"BERT-base size: first score, median of {len(timed)} toggles", first, 1.0)
    yield Figure("BERT-base size: exact final score, median", f"{final:.2f} s", _REPORTED)
    yield Figure(
        "BERT-base size: kept of the full model",
        str(large.cache_plan) or f"all, {large.cache_plan.bytes / _MB:,.0f} MB",
    )


def _parity(bundle: Bundle, model: str, glue_dir: Path | None, masks: int) -> Iterator[Figure]:
    runs = [
        manifest.key.run
        for manifest in bundle.manifests()
        if manifest.stage == "finetune" and manifest.model == model and CHECKPOINT in manifest.files
    ]
    first_of = {run.task: run for run in sorted(runs, reverse=True)}
    found = figures.Parity()
    for number, run in enumerate(first_of.values()):
        classifier = load_finetuned(str(bundle.checkpoint(run)), TASKS[run.task])
        evaluator = Evaluator(classifier, load_examples(TASKS[run.task], "dev", glue_dir))
        many = masks // len(first_of) + (number < masks % len(first_of))
        drawn = figures.random_masks(many, classifier.n_layers, classifier.n_heads, seed=number)
        found += figures.parity(evaluator, classifier, drawn)
    yield from parity_figures(found, ", ".join(first_of))


def parity_figures(found: figures.Parity, tasks: str) -> Iterator[Figure]:
    """Words what was counted over random masks of some tasks."""
    yield Figure(
        f"predictions that differ from fp32 transformers, {found.masks} random masks, {tasks}",
        f"{found.differ} of {found.compared:,}",
        "0",
        found.differ == 0,
    )
    needed = f"{found.corrected} of {found.unverified} ({found.corrected / max(1, found.unverified):.1%})"
    yield Figure(
        "of these scores, corrected when they are verified in fp32",
        needed if found.unverified else "none to verify: fp32 throughout",
        _REPORTED,
    )
    yield Figure(
        "predictions that differ once verified in fp32",
        f"{found.differ_verified} of {found.compared:,}",
        "0",
        found.differ_verified == 0,
    )


def _at_most(what: str, seconds: float, target: float) -> Figure:
    words = [f"{value * 1e3:.0f} ms" if target < 1 else f"{value:.2f} s" for value in (seconds, target)]
    return Figure(what, words[0], f"at most {words[1]}", seconds <= target)


def as_markdown(figures: Sequence[Figure]) -> str:
    """Formats the figures as a table for BENCHMARKS.md."""
    met = {None: "", True: "yes", False: "**no**"}
    rows = [f"| {f.what} | {f.measured} | {f.target} | {met[f.met]} |" for f in figures]
    return "\n".join(["| what | measured | target | met |", "|---|---|---|---|", *rows])
