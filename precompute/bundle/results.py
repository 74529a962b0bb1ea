"""What verbs on a single mask find, and how it reads; no torch, so that help comes at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from explorer.bert.stand_ins import BESIDE_THE_DATA, ZERO, StandIn
from explorer.mask import Mask
from explorer.stats.intervals import Score
from explorer.study.words import counted


@dataclass(frozen=True)
class Agreement:
    """Two ways to run one mask, held against each other on every example."""

    mask: Mask
    one: str
    other: str
    """'gates', 'surgery', 'engine' or 'plain transformers'."""
    largest: float
    """Largest difference of a logit."""
    differ: int
    """Predictions that differ; for regression, by more than the tolerance."""
    n: int

    def as_dict(self) -> dict[str, Any]:
        """Gives a part of the one line of --json."""
        return asdict(self) | {"mask": self.mask.code}

    def sentence(self) -> str:
        """Words it for a terminal."""
        whole = self.mask.heads.all() and self.mask.mlps.all()
        return (
            f"{self.one} and {self.other}, {'full mask' if whole else 'this mask'}: largest difference of logits "
            f"{self.largest:.1e}, {self.differ} of {self.n} predictions differ"
        )


@dataclass(frozen=True)
class Proof:
    """Every way to run a mask against every other, in fp32."""

    tolerance: float
    """Difference of logits up to which two ways agree."""
    pairs: tuple[Agreement, ...]

    @property
    def beyond(self) -> str:
        """A sentence that names the pairs that do not agree; empty where all do."""
        apart = [f"{pair.one} and {pair.other} by {pair.largest:.1e}" for pair in self.pairs if not self.holds(pair)]
        if not apart:
            return ""
        return (
            f"Logits differ by more than {self.tolerance:g}: {', '.join(apart)}. "
            "One of these ways is wrong: trust no score of this model until it is known which."
        )

    def holds(self, pair: Agreement) -> bool:
        """Whether two ways agree; a difference that is no number does not."""
        return pair.largest <= self.tolerance

    def as_dict(self) -> dict[str, Any]:
        """Gives a part of the one line of --json."""
        pairs = [pair.as_dict() for pair in self.pairs]
        return {"tolerance": self.tolerance, "holds": not self.beyond, "pairs": pairs}


@dataclass(frozen=True)
class ScoreResult:
    """The score of one mask."""

    task: str
    model: str
    data: str
    mask: Mask
    score: Score
    seconds: float
    classes: str
    """How outputs became classes: identity, permuted or assumed."""
    class_names: tuple[str, ...]
    """The checkpoint's own names, in its order."""
    remarks: tuple[str, ...] = ()
    """Sentences for stderr: on classes, on oddities of the model, on a score that is too low to be right."""
    precision: str = "fp32"
    """Arithmetic of the score: 'fp32', or 'bf16, close calls in fp32'."""
    proof: Proof | None = None
    """Agreement of all ways to run the mask, where that was asked for."""
    instead: StandIn = ZERO
    """What stands in for what is off."""
    of_class: str = ""
    """The class that an F1 is of; '' for other metrics."""

    def as_dict(self) -> dict[str, Any]:
        """Gives the one line of --json."""
        return {
            "task": self.task,
            "model": self.model,
            "data": self.data,
            "mask": self.mask.code,
            **asdict(self.score),
            "seconds": round(self.seconds, 3),
            "precision": self.precision,
            "instead": self.instead,
            **({"of_class": self.of_class} if self.of_class else {}),
            "classes": self.classes,
            "class_names": list(self.class_names),
            "remarks": list(self.remarks),
            **({"proof": self.proof.as_dict()} if self.proof else {}),
        }

    def sentence(self) -> str:
        """Words it for a terminal."""
        s = self.score
        interval = s.undefined or f"[{s.low:.4f}, {s.high:.4f}] {s.method}"
        kept = f"{counted(self.mask.heads_kept, 'head')} and {counted(self.mask.mlps_kept, 'MLP')} kept"
        kept += BESIDE_THE_DATA[self.instead]
        metric = f"{s.metric} of the class {self.of_class}" if self.of_class else s.metric
        found = f"{self.task} ({self.data}), {kept}: {metric} {s.value:.4f} {interval}, n = {s.n}, {self.seconds:.2f} s"
        return "\n".join([found, *(pair.sentence() for pair in (self.proof.pairs if self.proof else ()))])


@dataclass(frozen=True)
class Exported:
    """A folder that was written."""

    folder: Path
    mask: Mask
    files: tuple[str, ...]
    bytes: int
    remarks: tuple[str, ...] = ()
    """Sentences for stderr: how outputs became classes, and what of the model is not as usual."""
    proof: str = ""
    """Sentence on how far its logits are from the gated model's."""
    n_parameters: int = 0
    """Parameters in it."""
    n_whole: int = 0
    """Parameters of the model before it was pruned here."""
    smaller: str = ""
    """What is really smaller; '' where nothing is."""
    zero: str = ""
    """What is only zero; '' where nothing is."""
    largest: float = 0.0
    """Largest difference of a logit from the gated model's."""

    def as_dict(self) -> dict[str, Any]:
        """Gives the one line of --json."""
        return {
            "folder": str(self.folder),
            "mask": self.mask.code,
            "heads_kept": self.mask.heads_kept,
            "mlps_kept": self.mask.mlps_kept,
            "files": list(self.files),
            "bytes": self.bytes,
            "parameters": self.n_parameters,
            "parameters_before": self.n_whole,
            "smaller": self.smaller,
            "zero": self.zero,
            "proof": self.proof,
            "largest_difference": self.largest,
            "remarks": list(self.remarks),
        }

    def sentence(self) -> str:
        """Words it for a terminal."""
        return (
            f"{self.folder}: {self.mask.heads_kept} of {self.mask.heads.size} heads and {self.mask.mlps_kept} of "
            f"{self.mask.mlps.size} MLPs, {self.n_parameters:,} of {self.n_whole:,} parameters, "
            f"{self.bytes / 1e6:.1f} MB; its README says how to load it.\n"
            f"really smaller: {self.smaller or 'nothing'}\nonly zero: {self.zero or 'nothing'}\n{self.proof}"
        )
