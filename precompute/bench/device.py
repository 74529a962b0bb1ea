"""The check of a device: are the numbers right there, and how fast are they beside plain transformers on it."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from explorer.bert.checkpoints import Classifier, load_finetuned
from explorer.bert.dropout import Draws
from explorer.bert.engine import Engine
from explorer.bert.precision import fast_dtype
from explorer.bert.reference import reference_logits
from explorer.bert.shards import shard_of
from explorer.bert.training_forward import Layout, training_logits
from explorer.glue.encoding import encode
from explorer.glue.metrics import predictions_of
from explorer.glue.sources import load_examples
from explorer.glue.tasks import TASKS, Examples
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Run
from explorer.tickets.finetuning import Progress, TrainingSet, finetune, loss_per_example
from explorer.tickets.gradients import importance
from explorer.tickets.recipes import MINILM_RECIPE
from precompute.bench import figures
from precompute.bench.live import Figure
from precompute.bench.train import on_device
from precompute.options import device_words

_CLOSE = 1e-3
"""Logits that one device may give off another's: their matrix products add up in another order."""
_DROPPED = 0.1


def bench_device(
    bundle: Bundle, model: str, task: str, seed: int, glue_dir: Path | None, device: str, *, masks: int
) -> Iterator[Figure]:
    """Yields figures of parity, then of speed, of a run's checkpoint and of a random net of BERT-base's size.

    masks: random masks of each. Raises BadBundle or BadData where run or data are missing.
    """
    classifier = load_finetuned(str(bundle.checkpoint(Run(model, task, seed))), TASKS[task])
    examples = load_examples(TASKS[task], "dev", glue_dir)
    yield Figure("machine", f"{device_words(device)}; torch {torch.__version__}")
    yield from _training(classifier, examples, device)
    for words, one in ((f"{model}, {task}", classifier), ("BERT-base size", figures.base_size(classifier))):
        yield from _scoring(words, one, examples, device, figures.random_masks(masks, one.n_layers, one.n_heads))


def _scoring(
    words: str, classifier: Classifier, examples: Examples, device: str, masks: list[Mask]
) -> Iterator[Figure]:
    moved, encoded = on_device(classifier, device), encode(examples, classifier.tokenizer)
    plain = [reference_logits(moved, encoded, mask) for mask in masks]
    exact = Engine(classifier, device)
    ours = [exact.logits_of_all(encoded, mask) for mask in masks]
    off = max(float(np.abs(a - b).max()) for a, b in zip(plain, ours, strict=True))
    yield Figure(
        f"{words}: engine in fp32 against plain transformers in fp32, largest logit difference",
        f"{off:.1e} over {len(masks)} masks x {len(encoded)} examples",
        f"at most {_CLOSE:g}",
        off <= _CLOSE,
    )
    on_cpu = Engine(classifier).logits_of_all(encoded, masks[0])
    across = float(np.abs(on_cpu - ours[0]).max())
    yield Figure(
        f"{words}: the same mask on the processor and on the device",
        f"{across:.1e}",
        f"at most {_CLOSE:g}",
        across <= _CLOSE,
    )
    if fast_dtype(device) == torch.bfloat16:
        fast = Engine(classifier, device, torch.bfloat16)
        rough = [fast.logits_of_all(encoded, mask) for mask in masks]
        task = examples.task
        flips = sum(
            int((predictions_of(task, a) != predictions_of(task, b)).sum()) for a, b in zip(plain, rough, strict=True)
        )
        yield Figure(
            f"{words}: predictions of the engine in bf16 alone that are not fp32's",
            f"{flips} of {len(masks) * len(encoded):,}",
            "reported",
        )
    evaluator = Evaluator(classifier, examples, device=device)
    scored = [evaluator.evaluate(mask) for mask in masks]
    differ = sum(
        int((evaluator.predictions(one) != predictions_of(examples.task, of)).sum())
        for one, of in zip(scored, plain, strict=True)
    )
    yield Figure(
        f"{words}: predictions, {evaluator.precision}, that are not fp32 transformers'",
        f"{differ} of {len(masks) * len(encoded):,}",
        "0",
        differ == 0,
    )
    few = masks[:: max(1, len(masks) // 5)]
    mine = statistics.median(figures.time_toggle(evaluator, mask).final for mask in few)
    theirs = statistics.median(figures.plain_seconds(moved, encoded, mask) for mask in few)
    padded = statistics.median(figures.plain_seconds(moved, encoded, mask, padded_to=figures.PADDED_TO) for mask in few)
    yield Figure(f"{words}: exact score of a random mask", f"{mine:.3f} s", "reported")
    yield Figure(
        f"{words}: against plain transformers in fp32, batches of 32 by length",
        f"{theirs / mine:.1f}x ({theirs:.3f} s)",
        "reported",
    )
    yield Figure(
        f"{words}: against padding to {figures.PADDED_TO}", f"{padded / mine:.1f}x ({padded:.3f} s)", "reported"
    )


def _training(classifier: Classifier, examples: Examples, device: str) -> Iterator[Figure]:
    """Whether gradients, importance and a few steps of fine-tuning come out as they do on the processor."""
    encoded, full = encode(examples, classifier.tokenizer), Mask.full(classifier.n_layers, classifier.n_heads)
    there, here = (
        importance(classifier, examples.task, encoded, examples.labels, full, device=where) for where in (device, "cpu")
    )
    off = float(np.abs(there.heads - here.heads).max() / np.abs(here.heads).max())
    yield Figure(
        "importance, largest difference from the processor's, of the largest",
        f"{off:.1e}",
        "at most 0.001",
        off <= 1e-3,
    )
    recipe = MINILM_RECIPE
    data = TrainingSet(examples.task, encoded, examples.labels)
    losses: dict[str, list[float]] = {}
    for where in (device, "cpu"):
        said = losses.setdefault(where, [])

        def on_step(progress: Progress, said: list[float] = said) -> None:
            said.append(progress.loss)

        plain = _without_dropout(classifier)
        finetune(plain, data, recipe, 0, device=where, dtype=torch.float32, stop_after=4, on_step=on_step)
    apart = max(abs(a - b) for a, b in zip(losses[device], losses["cpu"], strict=True))
    yield Figure(
        "four steps of fine-tuning without dropout in fp32, largest difference in loss",
        f"{apart:.1e}",
        "at most 0.001",
        apart <= 1e-3,
    )
    shard = shard_of(encoded, np.arange(min(32, len(encoded))), device)
    moved = on_device(classifier, device)
    weights = dict(moved.model.named_parameters())
    layout = Layout.of(moved.model, attention_dropout=_DROPPED)
    twice = [
        loss_per_example(
            examples.task,
            training_logits(weights, layout, shard, draws=Draws(7, 3)),
            torch.from_numpy(examples.labels[shard.indices]).to(device),
        )
        for _ in range(2)
    ]
    same = bool(torch.equal(*twice))
    yield Figure("the same seed and step draw the same dropout", str(same), "True", same)


def _without_dropout(classifier: Classifier) -> Classifier:
    model = copy.deepcopy(classifier.model)
    model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = 0.0
    model.config.classifier_dropout = 0.0
    return replace(classifier, model=model)
