"""The register of stages: what each is called, which verb makes it, in which variants, and what it builds on.

Long because each stage has an entry. Everything that lists stages reads it: keys and folders of a bundle, the study's
plan, what is missing, the command that makes it, the command line and the Runs page. A new stage is an entry here, a
file of its verb's name in precompute/stages with a function `make`, and its screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from explorer.errors import BadRequest
from explorer.glue.tasks import TASKS

Split = Literal["train", "dev"]


@dataclass(frozen=True)
class Option:
    """An option of a stage's verb, beside those that all verbs share."""

    name: str
    """Name of the argument of the stage's `make`; the flag is --name with hyphens."""
    help: str
    values: tuple[str, ...] = ()
    """What may be given, the default first; () = any value of `kind`."""
    kind: type = str
    """Type of a value where `values` is empty; its default is then None."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Value -> what the screen calls it, where it has a name for people."""
    endings: Mapping[str, str] = field(default_factory=dict)
    """Value -> how a variant's name ends where it is given."""

    @property
    def flag(self) -> str:
        """The option on the command line: '--train-file'."""
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True)
class Stage:
    """One stage of the study: one artefact a run and variant."""

    name: str
    """In keys and folders: 'structured'."""
    verb: str
    """On the command line, and the name of its file in precompute/stages: 'prune'."""
    title: str
    """For people, as the head of a column."""
    help: str = ""
    """One sentence for the command line."""
    options: tuple[Option, ...] = ()
    """The values of the first name the variants, where it has any."""
    variants: tuple[str, ...] = ("",)
    """What the study makes of one run, in this order."""
    over_seeds: tuple[str, ...] = ()
    """What there is of a task once for all seeds; of what is computed, the study makes it."""
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Variant, or '*' for all -> the artefacts of the same run ('magnitude.good') that it builds on."""
    needs_of_all_seeds: tuple[str, ...] = ()
    """Artefacts ('structured.together') of every seed of the task that it reads as far as they are there."""
    reads_if_there: tuple[str, ...] = ()
    """Artefacts of the same run that it can do without; where they are planned too, it waits for them."""
    splits: tuple[Split, ...] = ("dev",)
    """The parts of the task's data that it reads for what the study makes of it; () = none of GLUE."""
    every_head: bool = False
    """Whether it refuses a model out of which heads were cut before."""
    without_checkpoint: tuple[str, ...] = ()
    """Variants that need the run's fine-tuning but not its weights."""
    optional: bool = True
    """Whether a study may leave it out."""
    imported: bool = False
    """Whether it is read from the authors' files and not computed: no verb of its own, no checkpoint, no data."""

    def options_of(self, variant: str) -> dict[str, str]:
        """Returns the options, name -> value, that make a variant; {} where the name of the stage says it all."""
        given: dict[str, str] = {}
        for option in self.options[1:]:
            for value, ending in option.endings.items():
                if variant.endswith(ending):
                    given[option.name] = value
                    variant = variant.removesuffix(ending)
        named = {self.options[0].name: variant} if variant else {}
        return named | given

    def variant_of(self, given: Mapping[str, object]) -> str:
        """Returns the variant that options, name -> value, make: the inverse of `options_of`."""
        if not self.options or not self.options[0].values:
            return ""
        first, *others = self.options
        variant = str(given.get(first.name, first.values[0]))
        for option in others:
            variant += option.endings.get(str(given.get(option.name, "")), "")
        return variant

    def loads_checkpoint(self, variant: str) -> bool:
        """Tells whether a variant is computed with the run's fine-tuned weights."""
        return "finetune" in self.needed_by(variant) and variant not in self.without_checkpoint

    def is_over_seeds(self, variant: str) -> bool:
        """Tells whether a variant is of a task, once for all seeds, and not of one run."""
        return variant in self.over_seeds and variant not in self.variants

    def check(self, given: Mapping[str, object]) -> None:
        """Raises BadRequest where an option is given a value that it does not take."""
        for option in self.options:
            value = given.get(option.name)
            if option.values and value is not None and value not in option.values:
                raise BadRequest(
                    f"There is no {option.name} {value!r} for {self.verb}.", f"It takes {', '.join(option.values)}."
                )

    def needed_by(self, variant: str) -> tuple[str, ...]:
        """Returns the artefacts of the same run, 'stage' or 'stage.variant', that a variant builds on."""
        return (*self.needs.get("*", ()), *self.needs.get(variant, ()))


OWN = "own"
"""The ticket of the task that is trained."""
_ESTIMATORS = ("expected", "published", "batch")
_KINDS = ("good", "random", "bad")
_SUPER = ("super-good", "super-bad", "super-random")
_OF_RUN = {"*": ("finetune",)}

REGISTER: tuple[Stage, ...] = (
    Stage(
        "finetune",
        "finetune",
        "fine-tuned",
        "Fine-tune a pre-trained BERT on a task; killed half-way, the same command goes on.",
        (
            Option("recipe", "A named recipe. Default: by model and size of the task."),
            Option("epochs", "Instead of the recipe's.", kind=int),
            Option("learning_rate", "Instead of the recipe's.", kind=float),
            Option("train_file", "Another training file of the task's folder."),
        ),
        splits=("train", "dev"),
        optional=False,
    ),
    Stage(
        "importance",
        "importance",
        "importance",
        "Measure how much the loss depends on each head and MLP of the full model.",
        (
            Option("estimator", "How gradients become importance.", _ESTIMATORS),
            Option(
                "data",
                "The dev set, or as many training examples.",
                ("dev", "train-sample"),
                endings={"train-sample": "-train-sample"},
            ),
        ),
        variants=_ESTIMATORS,
        needs=_OF_RUN,
    ),
    Stage(
        "structured",
        "prune",
        "pruned",
        "Prune heads and MLPs until the score falls below 90% of the full model's; goes on after a kill.",
        (
            Option(
                "method",
                "What is pruned.",
                ("together", "heads", "mlps"),
                labels={"together": "Heads and MLPs", "heads": "Heads alone", "mlps": "MLPs alone"},
            ),
            Option("estimator", "How gradients become importance.", _ESTIMATORS),
            Option(
                "procedure",
                "published: with the authors' quirk.",
                ("recompute", "published"),
                labels={"published": "as published"},
                endings={"published": "-published"},
            ),
        ),
        variants=("together", "heads", "mlps"),
        needs=_OF_RUN,
    ),
    Stage(
        "ablations",
        "ablations",
        "ablations",
        "Score every head, MLP and layer switched off alone.",
        needs=_OF_RUN,
    ),
    Stage(
        "bank",
        "bank",
        "mask bank",
        "Score about 1,000 random masks and keep each example's margin; goes on after a kill.",
        (Option("masks", "How many, instead of 1,000.", kind=int),),
        needs=_OF_RUN,
        every_head=True,
    ),
    Stage(
        "pairs",
        "pairs",
        "pairs",
        "Switch off every two heads or MLPs together and measure their interaction; goes on after a kill.",
        variants=(),  # an hour of masks a run: made by its verb, for the runs that are asked about
        needs=_OF_RUN,
        every_head=True,
    ),
    Stage(
        "league",
        "league",
        "league",
        "Prune in the order of each criterion of importance, one component at a time, and score every mask.",
        needs=_OF_RUN,
        reads_if_there=("bank",),
        every_head=True,
    ),
    Stage(
        "attention",
        "attention",
        "attention",
        "Measure and classify every head's attention maps on the project's own sentences; needs no GLUE.",
        (
            Option(
                "kind", "The run's weights, or the pre-trained ones, once for all seeds.", ("finetuned", "pretrained")
            ),
        ),
        variants=("finetuned",),
        over_seeds=("pretrained",),
        needs=_OF_RUN,
        without_checkpoint=("pretrained",),
        splits=(),
        every_head=True,
    ),
    Stage(
        "magnitude",
        "magnitude",
        "magnitude",
        "Prune single weights by magnitude, a tenth a step, until the score falls below 90%; goes on after a kill.",
        (Option("kind", "Smallest weights first, or as many at random or largest first.", _KINDS),),
        variants=_KINDS,
        needs=_OF_RUN | dict.fromkeys(("random", "bad"), ("magnitude.good",)),
        every_head=True,
    ),
    Stage(
        "subnetworks",
        "subnetworks",
        "subnetworks",
        "Score the good, bad and random subnetworks of a run, and the super ones where other seeds are pruned.",
        needs={"*": ("finetune", "structured.together")},
        needs_of_all_seeds=("structured.together",),
    ),
    Stage(
        "mean-ablated",
        "mean",
        "mean-ablated",
        "Prune, ablate and score the tickets again with means over training examples in the place of what is off.",
        needs={"*": ("finetune", "structured.together")},
        splits=("train", "dev"),
    ),
    Stage(
        "constants",
        "constants",
        "learned constants",
        "Learn a constant that stands in for each head and MLP when off, and score masks so; goes on after a kill.",
        variants=(),  # the lab needs it where a person chooses it: made by its verb
        needs={"*": ("finetune", "structured.together")},
        splits=("train", "dev"),
        every_head=True,
    ),
    Stage(
        "transfer",
        "transfer",
        "transfer",
        "Score the tickets of all tasks of a seed on a run's model, each beside 20 random masks of its size.",
        variants=(),  # it reads what every task has pruned: made by its verb, when all of them are
        needs=_OF_RUN,
    ),
    Stage(
        "retrained",
        "retrain",
        "retrained",
        "Fine-tune a subnetwork of the pre-trained model as the run was; killed half-way, it goes on.",
        (
            Option("kind", "Which subnetwork.", (*_KINDS, *_SUPER, *(f"magnitude-{kind}" for kind in _KINDS))),
            Option(
                "ticket_of",
                "Of which task: its ticket, or as many parts at random, in the place of this task's.",
                (OWN, *TASKS),
                endings={task: f"-of-{task}" for task in TASKS},
            ),
        ),
        variants=_KINDS,
        needs=_OF_RUN
        | dict.fromkeys((*_KINDS, *_SUPER), ("subnetworks",))
        | {f"magnitude-{kind}": ("magnitude.good",) for kind in _KINDS},
        without_checkpoint=(*_KINDS, *_SUPER, *(f"{kind}-of-{task}" for kind in ("good", "random") for task in TASKS)),
        splits=("train", "dev"),
    ),
    Stage(
        "baseline",
        "baseline",
        "baseline",
        "Score the majority class (STS-B: random draws) on the dev set.",
        (Option("train_file", "Another training file of the task's folder."),),
        variants=(),
        over_seeds=("",),
        splits=("train", "dev"),
    ),
    Stage("published-masks", "import-paper", "masks, imported", variants=(), imported=True),
    Stage("published-scores", "import-paper", "scores, imported", variants=(), over_seeds=("",), imported=True),
)
"""Every stage, each after those that it builds on."""


def stage_named(name: str) -> Stage:
    """Finds a stage by its name in keys; raises BadRequest on any other string."""
    for stage in REGISTER:
        if stage.name == name:
            return stage
    raise BadRequest(f"{name!r} names no stage.", f"Stages: {', '.join(stage.name for stage in REGISTER)}.")


def computed() -> tuple[Stage, ...]:
    """Lists the stages that this project computes, in the order of the register."""
    return tuple(stage for stage in REGISTER if not stage.imported)


def is_imported(name: str) -> bool:
    """Tells whether a stage is read from the authors' files; raises BadRequest on an unknown one."""
    return stage_named(name).imported
