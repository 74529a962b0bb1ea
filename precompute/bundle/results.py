"""What verbs on a single mask find, and how it reads; no torch, so that help comes at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from explorer.mask import Mask
from explorer.stats.intervals import Score


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

    def as_dict(self) -> dict[str, Any]:
        """Gives the one line of --json."""
        return {
            "task": self.task,
            "model": self.model,
            "data": self.data,
            "mask": self.mask.code,
            **asdict(self.score),
            "seconds": round(self.seconds, 3),
            "classes": self.classes,
            "class_names": list(self.class_names),
            "remarks": list(self.remarks),
        }

    def sentence(self) -> str:
        """Words it for a terminal."""
        s = self.score
        interval = s.undefined or f"[{s.low:.4f}, {s.high:.4f}] {s.method}"
        return (
            f"{self.task} ({self.data}), {self.mask.heads_kept} heads and {self.mask.mlps_kept} MLPs kept: "
            f"{s.metric} {s.value:.4f} {interval}, n = {s.n}, {self.seconds:.2f} s"
        )


@dataclass(frozen=True)
class Exported:
    """A folder that was written."""

    folder: Path
    mask: Mask
    files: tuple[str, ...]
    bytes: int
    remarks: tuple[str, ...] = ()
    """Sentences for stderr: how outputs became classes, and what of the model is not as usual."""

    def as_dict(self) -> dict[str, Any]:
        """Gives the one line of --json."""
        return {
            "folder": str(self.folder),
            "mask": self.mask.code,
            "heads_kept": self.mask.heads_kept,
            "mlps_kept": self.mask.mlps_kept,
            "files": list(self.files),
            "bytes": self.bytes,
            "remarks": list(self.remarks),
        }

    def sentence(self) -> str:
        """Words it for a terminal."""
        return (
            f"{self.folder}: {self.mask.heads_kept} of {self.mask.heads.size} heads and {self.mask.mlps_kept} of "
            f"{self.mask.mlps.size} MLPs, {self.bytes / 1e6:.0f} MB. Load it with "
            f"AutoModelForSequenceClassification.from_pretrained({str(self.folder)!r}); its README says more."
        )
