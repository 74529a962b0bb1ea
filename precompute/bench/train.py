"""The benchmark of training: ours, a plain transformers loop of the same recipe, and the authors' way, side by side.

Long because every figure needs its variants beside it.

All variants take turns within one process, so that whatever else the machine does falls on each alike. The plain loop
runs in the precision that this processor is fastest in, as ours does: it is the better of what it could be.
"""

from __future__ import annotations

import copy
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from explorer.bert.checkpoints import Classifier, load_finetuned, load_pretrained
from explorer.bert.reference import reference_logits
from explorer.bert.surgery import cut as cut_away
from explorer.errors import BadBundle
from explorer.glue.encoding import Encoded, encode
from explorer.glue.sources import load_examples
from explorer.glue.tasks import TASKS, Examples
from explorer.live.evaluator import Evaluator
from explorer.live.speed import parameters_of
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.tickets.finetuning import Progress, TrainingSet, training_dtype
from explorer.tickets.gradients import importance
from explorer.tickets.recipes import PAPER, Recipe, default_recipe
from explorer.tickets.retraining import retrain
from explorer.tickets.structured import METHODS, Step, prune
from precompute.bench.figures import PADDED_TO, base_size
from precompute.bench.live import Figure
from precompute.bench.plain_training import plain_importance, plain_steps
from precompute.bench.turns import Spent, Work, between, in_turns, timed_work, times
from precompute.options import device_words

OURS, PLAIN, AUTHORS = "ours", "a plain loop", "the authors' way"
_EMULATED = "a plain loop in bf16, which this processor emulates, one step"
_TIMES_PLAIN, _TIMES_AUTHORS, _TIMES_IMPORTANCE, _OF_SHARE = 1.5, 4.0, 3.0, 0.8
"""Targets: how many times as fast; and how much of what pruning saves must be gained."""


@dataclass(frozen=True)
class Sizes:
    """Amount of work that is timed."""

    steps: int
    """A turn, after one that warms up."""
    turns: int
    batch_size: int
    examples: int
    """For importance and pruning."""


def bench_train(
    bundle: Bundle,
    model: str,
    name: str,
    task: str,
    seed: int,
    glue_dir: Path | None,
    *,
    sizes: Sizes,
    base: Sizes,
    device: str = "cpu",
) -> Iterator[Figure]:
    """Figures in the order in which they are measured, of the model and then of BERT-base's size (random weights).

    The tickets are the bundle's good and bad subnetworks of the run; BERT-base's are drawn, with the same share of
    heads and MLPs. No steps: that size is left out. device: where all of it runs.
    Raises BadBundle or BadData where run or data are missing.
    """
    pretrained = load_pretrained(model, TASKS[task], seed)
    train, dev = (load_examples(TASKS[task], split, glue_dir) for split in ("train", "dev"))
    data = TrainingSet(TASKS[task], encode(train, pretrained.tokenizer), train.labels)
    recipe = default_recipe(model, len(train))
    run = Run(name, task, seed)
    tickets = tickets_of(bundle, run, pretrained)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    dtype = str(training_dtype(recipe, device)).removeprefix("torch.")
    yield Figure("machine", f"{device_words(device)}, ours in {dtype}; load averages before: {load}")
    if sizes.steps:
        yield from _training(name, pretrained, data, recipe, seed, tickets, sizes, device)
        yield from _measuring(name, load_finetuned(str(bundle.checkpoint(run)), TASKS[task]), dev, sizes, device)
    if not base.steps:
        return
    large = base_size(pretrained)
    shares = {kind: drawn_like(mask, large.n_layers, large.n_heads) for kind, mask in tickets.items()}
    yield from _training("BERT-base size", large, data, recipe, seed, shares, base, device)
    yield from _measuring("BERT-base size", large, dev, base, device)


def tickets_of(bundle: Bundle, run: Run, pretrained: Classifier) -> dict[str, Mask]:
    """Good and bad subnetwork of a run; raises BadBundle where they are not there."""
    rows = bundle.read(Key(run, "subnetworks")).table.to_dict("records")
    masks = {str(row["kind"]): str(row["mask"]) for row in rows}
    if missing := {"good", "bad"} - masks.keys():
        raise BadBundle(
            f"{run.path} has no {min(missing)} subnetwork.",
            f"Make it: `{bundle.command_for(Key(run, 'subnetworks'))}`.",
        )
    shape = (pretrained.n_layers, pretrained.n_heads)
    return {kind: Mask.from_code(masks[kind], *shape) for kind in ("good", "bad")}


def drawn_like(mask: Mask, n_layers: int, n_heads: int, seed: int = 0) -> Mask:
    """A mask for another model with the same share of heads and of MLPs, drawn at random."""
    rng = np.random.default_rng(seed)
    kept = []
    for share, size in ((mask.heads.mean(), n_layers * n_heads), (mask.mlps.mean(), n_layers)):
        part = np.zeros(size, np.bool_)
        part[rng.permutation(size)[: round(share * size)]] = True
        kept.append(part)
    return Mask(kept[0].reshape(n_layers, n_heads), kept[1])


def share_kept(pretrained: Classifier, mask: Mask) -> float:
    """Computes the share of the parameters of all heads and MLPs that the mask keeps."""
    full = Mask.full(pretrained.n_layers, pretrained.n_heads)
    nothing = Mask(~full.heads, ~full.mlps)
    rest = parameters_of(cut_away(pretrained, nothing)).total
    kept = parameters_of(cut_away(pretrained, mask)).total - rest
    return kept / (parameters_of(pretrained.model).total - rest)


def _training(
    words: str,
    pretrained: Classifier,
    data: TrainingSet,
    recipe: Recipe,
    seed: int,
    tickets: Mapping[str, Mask],
    sizes: Sizes,
    device: str = "cpu",
) -> Iterator[Figure]:
    masks: dict[str, Mask | None] = {"fine-tune": None, **{f"retrain {k}": mask for k, mask in tickets.items()}}
    recipe = replace(recipe, batch_size=sizes.batch_size)
    fast = training_dtype(recipe, device) == torch.bfloat16
    works: dict[str, Work] = {}
    for what, mask in masks.items():
        works[f"{what}, {OURS}"] = _ours(pretrained, data, recipe, seed, mask, sizes.steps, device)
        plain, authors = replace(recipe, bf16=fast), replace(PAPER, batch_size=sizes.batch_size)
        works[f"{what}, {PLAIN}"] = _plain(pretrained, data, plain, seed, mask, 1, sizes.steps, device)
        works[f"{what}, {AUTHORS}"] = _plain(pretrained, data, authors, seed, mask, PADDED_TO, sizes.steps, device)
    spent = in_turns(works, sizes.turns, words)
    for what, mask in masks.items():
        mine = f"{what}, {OURS}"
        rate = sizes.steps * recipe.batch_size / statistics.median(one.seconds for one in spent[mine])
        yield Figure(f"{words}: {what}", f"{rate:.1f} examples/s")
        for name, target in ((PLAIN, _TIMES_PLAIN), (AUTHORS, _TIMES_AUTHORS)):
            yield _ratio(f"{words}: {what}, against {name}", *times(spent, f"{what}, {name}", mine), target)
        if mask is not None:
            share = share_kept(pretrained, mask)
            gained = times(spent, f"fine-tune, {OURS}", mine)
            what_share = f"{words}: {what} ({share:.0%} of the parameters), against fine-tune"
            yield _ratio(what_share, *gained, _OF_SHARE / share)
    if recipe.bf16 and not fast:
        emulated = {
            OURS: works[f"fine-tune, {OURS}"],
            _EMULATED: _plain(pretrained, data, recipe, seed, None, 1, 1, device),
        }
        spent = in_turns(emulated, 1, f"{words}, bf16")
        each = {
            name: [Spent(one.seconds / n, one.cpu_seconds / n) for one in spent[name]]
            for name, n in ((OURS, sizes.steps), (_EMULATED, 1))
        }
        yield _ratio(f"{words}: fine-tune, against {_EMULATED}", *times(each, _EMULATED, OURS), None)


def _measuring(
    words: str, classifier: Classifier, dev: Examples, sizes: Sizes, device: str = "cpu"
) -> Iterator[Figure]:
    """Importance, and one pruning run: as many scores and importances as the run has steps."""
    few = replace(dev, items=dev.items[: sizes.examples])
    evaluator = Evaluator(classifier, few, device=device)
    task, encoded, labels = few.task, evaluator.encoded, evaluator.labels
    full, moved = evaluator.full_mask, on_device(classifier, device)

    def ours(mask: Mask = full) -> None:
        importance(classifier, task, encoded, labels, mask, device=device)

    def plain(padded_to: int | None) -> Callable[[], None]:
        return lambda: void(plain_importance(moved, task, encoded, labels, full, padded_to=padded_to, device=device))

    ours()  # warm
    works = {OURS: timed_work(ours), PLAIN: timed_work(plain(None)), AUTHORS: timed_work(plain(PADDED_TO))}
    spent = in_turns(works, sizes.turns, f"importance, {words}")
    rate = len(few) / statistics.median(one.seconds for one in spent[OURS])
    yield Figure(f"{words}: importance", f"{rate:.1f} examples/s")
    yield _ratio(f"{words}: importance, against {PLAIN}", *times(spent, PLAIN, OURS), None)
    yield _ratio(f"{words}: importance, against {AUTHORS}", *times(spent, AUTHORS, OURS), _TIMES_IMPORTANCE)

    steps: list[Step] = []

    def pruned() -> None:
        steps[:] = prune(
            lambda mask: evaluator.evaluate(mask).score,
            lambda mask: importance(classifier, task, encoded, labels, mask, device=device),
            full,
            METHODS["together"],
        )

    def a_step(padded_to: int | None) -> Callable[[], None]:
        def work() -> None:
            plain(padded_to)()
            _score(moved, encoded, full, padded_to)

        return work

    works = {OURS: timed_work(pruned), PLAIN: timed_work(a_step(None)), AUTHORS: timed_work(a_step(PADDED_TO))}
    spent = in_turns(works, 1, f"pruning, {words}")
    many = len(steps)
    whole = {
        name: [Spent(one.seconds * many, one.cpu_seconds * many) for one in spent[name]]
        for name in spent
        if name != OURS
    }
    whole[OURS] = spent[OURS]
    yield Figure(
        f"{words}: one pruning run of {many} steps on {len(few)} examples",
        f"{spent[OURS][0].seconds:.1f} s, {len(few) * many / spent[OURS][0].seconds:.1f} examples/s",
    )
    for name in (PLAIN, AUTHORS):
        yield _ratio(f"{words}: pruning, against {name} (one step, times {many})", *times(whole, name, OURS), None)


def on_device(classifier: Classifier, device: str) -> Classifier:
    """Copies the classifier to a device; the same one where it is there."""
    if str(classifier.model.device) == device:
        return classifier
    model = copy.deepcopy(classifier.model)
    model.to(torch.device(device))  # type: ignore[arg-type]  # transformers' stub hides nn.Module.to
    return replace(classifier, model=model)


def void(_result: object) -> None:
    """Drops a result that is only timed."""


def _score(classifier: Classifier, encoded: Encoded, mask: Mask, padded_to: int | None) -> None:
    from precompute.bench.figures import plain_seconds

    if padded_to is None:
        reference_logits(classifier, encoded, mask)
    else:
        plain_seconds(classifier, encoded, mask, padded_to=padded_to)


def _ours(
    pretrained: Classifier, data: TrainingSet, recipe: Recipe, seed: int, mask: Mask | None, steps: int, device: str
) -> Work:
    def work() -> Spent:
        clock: list[tuple[float, float]] = []

        def on_step(progress: Progress) -> None:
            void(progress.loss)  # waits for the device, as the plain loop does
            clock.append((time.perf_counter(), time.process_time()))
            if len(clock) > steps:
                raise _EnoughError

        with suppress(_EnoughError):
            retrain(pretrained, data, recipe, seed, mask=mask, device=device, on_step=on_step)
        return between(clock)

    return work


class _EnoughError(Exception):
    """Ends a training that is only timed."""


def _plain(
    pretrained: Classifier,
    data: TrainingSet,
    recipe: Recipe,
    seed: int,
    mask: Mask | None,
    padded_to: int,
    steps: int,
    device: str,
) -> Work:
    def work() -> Spent:
        with torch.random.fork_rng(devices=[]):
            running = plain_steps(pretrained, data, recipe, seed, mask=mask, padded_to=padded_to, device=device)
            clock = [
                (time.perf_counter(), time.process_time()) for _, _ in zip(range(steps + 1), running, strict=False)
            ]
            running.close()  # type: ignore[attr-defined]
        return between(clock)

    return work


def _ratio(what: str, wall: float, cpu: float, target: float | None) -> Figure:
    measured = f"{wall:.1f}x ({cpu:.1f}x in processor time)"
    if target is None:
        return Figure(what, measured)
    return Figure(what, measured, f"at least {target:.1f}x", wall >= target)
