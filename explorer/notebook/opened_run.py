"""A run of a bundle: its masks, and what is measured or stored of them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np

from explorer.bert.model_names import name_in_bundle
from explorer.errors import BadRequest
from explorer.glue.diagnostics import PARTS, Part, diagnostic_examples
from explorer.glue.sources import folder_examples, glue_dir_from_environment
from explorer.glue.tasks import Examples, Task
from explorer.glue.tokens import Tokens
from explorer.mask import Mask
from explorer.notebook.given import checked_mask, places
from explorer.notebook.results import (
    AttentionMap,
    ImportanceScores,
    MaskScore,
    PruningScores,
    TaskSurvival,
)
from explorer.paths import expanded
from explorer.patterns.per_head import MapKind
from explorer.stats.against_full import compared
from explorer.store.bundle import Bundle
from explorer.store.model_shape import full_mask_in
from explorer.store.own_tasks import examples_at, task_as_typed
from explorer.store.runs_of_task import TOGETHER, current_artefact, in_paper_order
from explorer.store.schema import Key, Run
from explorer.store.task_tickets import task_tickets
from explorer.store.user_folders import usual_bundle
from explorer.tickets.presets import named_masks

if TYPE_CHECKING:  # what is slow to import waits until a call needs it
    from explorer.bert.checkpoints import Classifier
    from explorer.bert.maps import AttentionMaps
    from explorer.live.evaluator import Evaluator
    from explorer.patterns.samples import Sample

On = Literal["dev", "plain", "hard", "all"]
"""Sentences to score on: GLUE's dev set of GLUE_DIR or an own task's, or a part of the built-in diagnostics."""


def runs(bundle: str | Path | None = None) -> tuple[Run, ...]:
    """Lists the runs that a bundle holds, by model and task, seeds in the paper's order.

    bundle: a folder; by default EXPLORER_BUNDLE, else the cache that ships. Raises BadBundle.

    >>> sorted({run.task for run in runs()})[:3]
    ['CoLA', 'MNLI', 'MRPC']
    """
    found = {manifest.key.run for manifest in _bundle(bundle).manifests() if manifest.stage == "finetune"}
    return tuple(sorted(found, key=lambda run: (run.model, run.task, in_paper_order(run.seed))))


def open_run(task: str, seed: int = 1337, *, model: str = "minilm", bundle: str | Path | None = None) -> OpenRun:
    """Opens a run of a bundle; nothing is loaded before it is asked for.

    task: as GLUE writes it, or an own one of the bundle. model: 'minilm', or the model's name in the bundle. bundle: as
    for `runs`. Raises BadRequest on an unknown task, BadBundle where there is no such run.

    >>> open_run("MRPC").shape
    (6, 12)
    >>> open_run("MRPC", seed=7)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    explorer.errors.BadBundle: ...
    """
    opened = _bundle(bundle)
    made = OpenRun(opened, Run(name_in_bundle(model), task_as_typed(opened.root, task).name, seed))
    _ = made.shape
    return made


@dataclass(frozen=True, repr=False)
class OpenRun:
    """One fine-tuned model of a bundle, and everything that the bundle says of it."""

    bundle: Bundle
    run: Run

    def __repr__(self) -> str:
        return f"<{self.run.path} of {self.bundle.root.name}>"

    @property
    def task(self) -> Task:
        """The task that the model was fine-tuned for: of GLUE, or an own one of the bundle."""
        return self.bundle.task(self.run.task)

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads a layer, (L, H). Raises BadBundle."""
        n_layers, n_heads = self.full.heads.shape
        return n_layers, n_heads

    @property
    def full(self) -> Mask:
        """The mask that keeps all that the model has: heads that were cut out of it before are off in it. Raises
        BadBundle."""
        return full_mask_in(self.bundle.read(Key(self.run, "finetune")).manifest)

    @property
    def masks(self) -> Mapping[str, Mask]:
        """The lab's masks by name: full, good, bad, random, complement, super, ..., off, as far as seeds are pruned."""
        tickets = task_tickets(self.bundle, self.run.model, self.run.task)
        named = named_masks(self.shape, tickets, self.run.seed, whole=self.full)
        return MappingProxyType({name: of.mask for name, of in named.items()})

    def without(
        self, heads: Iterable[tuple[int, int]] = (), mlps: Iterable[int] = (), *, mask: Mask | None = None
    ) -> Mask:
        """Switches heads (layer, head) and MLPs (layer) off, counted from 0, in a mask; None: in the full one.

        Raises BadMask on a part that the model has not.

        >>> open_run("MRPC").without(heads=[(0, 0), (5, 11)], mlps=[5]).heads_kept
        70
        """
        made, (n_layers, n_heads) = self._own_mask(mask), self.shape
        for layer, head in places("head", heads, (n_layers, n_heads)):
            made = made.with_head(layer, head, False)
        for (layer,) in places("MLP", mlps, (n_layers,)):
            made = made.with_mlp(layer, False)
        return made

    def _own_mask(self, mask: Mask | None) -> Mask:
        return self.full if mask is None else checked_mask(mask, self.full)

    def examples(self, on: On | None = None) -> Examples:
        """Reads the sentences to score on: GLUE's dev set where GLUE_DIR names it, else the plain diagnostics.

        Of an own task they are its dev set, read where its data lay last on this machine. Raises BadData on a dev set
        that is missing or mangled, BadRequest where no sentences were written for a task.
        """
        if self.task.own and on in (None, "dev"):
            return examples_at(self.task, None, "dev")
        glue = glue_dir_from_environment()
        on = on or ("plain" if glue is None else "dev")
        if on in PARTS:
            part: Part = on
            return diagnostic_examples(self.task, part)
        if on != "dev":
            raise BadRequest(f"There are no sentences {on!r} to score on.", f"Say dev, {', '.join(PARTS)}.")
        if glue is None:
            raise BadRequest("GLUE's dev set is not here.", "Set GLUE_DIR to a folder in the official TSV layout.")
        return folder_examples(glue, self.task, "dev")

    def score(self, mask: Mask, on: On | Examples | None = None) -> MaskScore:
        """Scores a mask, every prediction in fp32, and holds it against the full model on the same examples.

        on: as for `examples`, or examples of one's own. The first call loads the model. Raises BadBundle or
        BadCheckpoint where it is not there, BadMask on a mask for another model.
        """
        mask = self._own_mask(mask)
        examples = on if isinstance(on, Examples) else self.examples(on)
        evaluator = _evaluator(self.bundle, self.run, self._content, examples)
        evaluation = evaluator.verified(evaluator.evaluate(mask))
        predicted, whole = evaluator.predictions(evaluation), evaluator.predictions(evaluator.full)
        comparison = compared(self.task, predicted, whole, evaluator.labels)
        return MaskScore(mask, evaluator.examples.source, comparison, predicted)

    def stored_score(self, mask: Mask) -> MaskScore:
        """Looks a mask's score on the task's dev set up in the bundle: needs neither model nor data.

        Raises BadRequest where the bundle has none, BadMask on a mask for another model.

        >>> run = open_run("MRPC")
        >>> run.stored_score(run.masks["good"]).score.n
        408
        """
        from explorer.study.stored_scores import known_run

        mask = self._own_mask(mask)
        known = known_run(self.bundle, self.run)
        found = known.by_code.get(mask.code)
        if found is None:
            raise BadRequest(f"{self.run.path} holds no score of the mask {mask.code}.", "Score it: run.score(mask).")
        comparison = compared(self.task, found.predictions, known.full.predictions, known.labels)
        return MaskScore(mask, f"the bundle, {found.origin}", comparison, found.predictions)

    def importance(self, estimator: str = "expected") -> ImportanceScores:
        """Reads the stored importance of heads and MLPs; estimator: expected, published or batch. Raises BadBundle."""
        arrays = current_artefact(self.bundle, Key(self.run, "importance", estimator)).arrays
        return ImportanceScores(arrays["heads"].astype(np.float64), arrays["mlps"].astype(np.float64))

    def pruning_path(self) -> PruningScores:
        """Reads the stored pruning run, step by step; its last step that held is the good ticket. Raises BadBundle.

        >>> path = open_run("MRPC").pruning_path().path
        >>> path.ticket.mask == open_run("MRPC").masks["good"]
        True
        """
        from explorer.tickets.pruning_path import path_of

        return PruningScores(path_of(current_artefact(self.bundle, Key(self.run, *TOGETHER)), self.shape), self.task)

    def survival(self) -> TaskSurvival:
        """Collects which heads and MLPs survive pruning, over all seeds of the task. Raises BadRequest without any."""
        from explorer.stats.survival import survival

        tickets = task_tickets(self.bundle, self.run.model, self.run.task)
        return TaskSurvival(MappingProxyType(tickets), survival(list(tickets.values())))

    def attention(
        self,
        layer: int,
        head: int,
        *texts: str,
        mask: Mask | None = None,
        kind: MapKind = "raw",
        sample: int = 0,
    ) -> AttentionMap:
        """Shows what a head looks at: on a text of one's own, a sentence or two, or on a stored one.

        mask: what is switched off meanwhile. kind: raw, or norm for norm-weighted maps. sample: number of the stored
        sentence, where no text is given. Stored maps need no model. Raises BadBundle or BadCheckpoint where model or
        maps are not there, BadRequest on a text that says nothing.

        >>> open_run("MRPC").attention(2, 5).values.sum(axis=1).round(1).max()
        np.float32(1.0)
        """
        places("head", [(layer, head)], self.shape)
        if kind not in ("raw", "norm"):
            raise BadRequest(f"There are no {kind!r} maps.", "Say raw or norm.")
        if len(texts) > 2:
            raise BadRequest(f"{len(texts)} texts are too many.", "Give one sentence, or two.")
        stored = None if texts else self._stored_maps(sample)
        if stored is not None and mask is None:
            tokens, maps = stored.tokens, stored.maps
        else:
            tokens, maps = self._maps(stored.texts if stored else texts, self._own_mask(mask))
        values = maps.raw if kind == "raw" else maps.norm_weighted
        return AttentionMap(layer, head, tokens, values[layer, head], kind)

    def _stored_maps(self, number: int) -> Sample:
        from explorer.patterns.samples import unpack_samples

        key = Key(self.run, "attention", "finetuned")
        samples = unpack_samples(current_artefact(self.bundle, key).arrays, self.bundle.command_for(key))
        if not isinstance(number, Integral) or not 0 <= number < len(samples):
            raise BadRequest(f"There is no stored sentence {number}.", f"Say 0 to {len(samples) - 1}.")
        return samples[number]

    def _maps(self, texts: tuple[str, ...], mask: Mask) -> tuple[Tokens, AttentionMaps]:
        from explorer.bert.attention import attention_maps
        from explorer.bert.engine import Engine
        from explorer.bert.user_text import encode_text

        classifier = _classifier(self.bundle, self.run, self._content)
        read = encode_text(classifier.tokenizer, *texts)
        return read.tokens, next(attention_maps(Engine(classifier), read.encoded, mask))

    @property
    def _content(self) -> str:
        return self.bundle.manifest(Key(self.run, "finetune")).model_content


def _bundle(named: str | Path | None) -> Bundle:
    return Bundle(usual_bundle() if named is None else expanded(named))


@functools.lru_cache(maxsize=2)
def _classifier(bundle: Bundle, run: Run, content: str) -> Classifier:
    from explorer.bert.checkpoints import load_finetuned

    return load_finetuned(str(bundle.checkpoint(run)), bundle.task(run.task))


@functools.lru_cache(maxsize=2)
def _evaluator(bundle: Bundle, run: Run, content: str, examples: Examples) -> Evaluator:
    from explorer.live.evaluator import Evaluator

    return Evaluator(_classifier(bundle, run, content), examples)
