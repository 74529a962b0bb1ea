"""One model on one dev set as the app knows it: everything but the weights, which the scoring process holds."""

from __future__ import annotations

import functools
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from explorer.arrays import AnyArray, Float64Array
from explorer.bert.stand_ins import LEARNED, MEAN, StandIn, sample_for_means
from explorer.glue.metrics import predictions_of
from explorer.glue.sources import folder_examples, hub_examples
from explorer.glue.tasks import Examples, Task
from explorer.live.activation_cache import CachePlan
from explorer.live.evaluation import Evaluation
from explorer.mask import Mask
from explorer.stats.intervals import Score, score_with_interval
from explorer.store.own_tasks import examples_at
from explorer.store.schema import Run

if TYPE_CHECKING:
    from explorer.bert.class_order import ClassOrder


@dataclass(frozen=True)
class Training:
    """Where the training examples of a task lie: they are read where the weights are, and never by the app."""

    kind: ClassVar[StandIn] = MEAN
    """What stands in: the means over them."""
    folder: str = ""
    """GLUE's folder; '' for the Hub, where `own` names none either."""
    own: str = ""
    """The bundle that defines an own task."""
    file: str | None = None
    """Another training file of the folder."""

    def sample(self, task: Task) -> Examples:
        """Reads them and draws those that means are taken over. Raises BadData."""
        if self.own:
            train = examples_at(task, None, "train")
        elif self.folder:
            train = folder_examples(Path(self.folder), task, "train", file=self.file)
        else:
            train = hub_examples(task, "train")
        return sample_for_means(train)


@dataclass(frozen=True)
class Learned:
    """Which artefact of stage constants holds what was learnt for a run; it was made with the run's own model."""

    kind: ClassVar[StandIn] = LEARNED
    root: Path
    run: Run
    made: str
    """When it was made: another one is another stand-in."""


StandsIn = Training | Learned
"""Where the constants come from that stand in for what is off: means over examples, or learnt ones."""


@dataclass(frozen=True)
class Source:
    """What is to be loaded: a run of a bundle, and the examples that it is scored on."""

    root: Path
    run: Run
    model_content: str
    """What tells the model from every other, as the run's manifest says."""
    examples: Examples
    instead: StandsIn | None = None
    """What stands in for what is off; None where nothing does."""

    @property
    def key(self) -> Hashable:
        """Names model, examples and what stands in: two sources of one key load the same."""
        return (str(self.root), self.run, self.model_content, self.examples.sha256, self.instead)


@dataclass(eq=False)
class ModelOnData:
    """One model on one dev set, and what the full model scores there. Read-only, and small enough to be sent."""

    examples: Examples
    checkpoint_sha256: str
    model_content: str
    precision: str
    engine_version: str
    cache_plan: CachePlan
    full: Evaluation
    """What the full model gives, in fp32."""
    classes: ClassOrder | None
    """How the model's outputs became the classes of the task; None where it was not loaded for one."""
    notes: tuple[str, ...]
    """Sentences on what the loader accepted that is not as usual."""
    source: Source | None = None
    """Place that the model was loaded from; None where it was made from a model in hand."""

    @property
    def task(self) -> Task:
        """The task of the examples."""
        return self.examples.task

    @functools.cached_property
    def labels(self) -> Float64Array:
        """Class indices or regression values, (n,)."""
        return self.examples.labels

    @property
    def full_mask(self) -> Mask:
        """The mask that keeps all that the model has: everything, but heads that were cut out of it before."""
        return self.full.mask

    def check(self, mask: Mask) -> None:
        """Raises BadMask where the mask is for a model of another shape."""
        mask.check_fits(self.full.mask.n_layers, self.full.mask.n_heads)

    def predictions(self, evaluation: Evaluation) -> AnyArray:
        """Returns the predicted classes or values, (n,)."""
        return predictions_of(self.task, evaluation.logits)

    def interval(self, evaluation: Evaluation) -> Score:
        """Returns the score with its interval over examples."""
        return score_with_interval(self.task.metric, self.predictions(evaluation), self.labels)


def described(model: ModelOnData) -> ModelOnData:
    """Takes from an evaluator what is sent to another process, which has the examples and the source itself."""
    return ModelOnData(
        None,  # type: ignore[arg-type]
        model.checkpoint_sha256,
        model.model_content,
        model.precision,
        model.engine_version,
        model.cache_plan,
        model.full,
        model.classes,
        model.notes,
    )
