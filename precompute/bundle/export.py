"""Verb export: a fine-tuned model under a mask as a folder that plain transformers loads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.bert.checkpoints import load_finetuned
from explorer.bert.model_names import MINILM, MINILM_NAME
from explorer.mask import Mask
from explorer.paths import expanded
from explorer.store.schema import Run
from explorer.tickets.loadable import write_folder
from precompute.bundle.score import read_mask, remarks_on
from precompute.options import Options


@dataclass(frozen=True)
class Exported:
    """What `export` prints."""

    folder: Path
    mask: Mask
    files: tuple[str, ...]
    bytes: int
    remarks: tuple[str, ...]
    """Sentences for stderr: how the outputs became classes, and what of the model is not as usual."""

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
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
        """For a terminal."""
        return (
            f"{self.folder}: {self.mask.heads_kept} of {self.mask.heads.size} heads and {self.mask.mlps_kept} of "
            f"{self.mask.mlps.size} MLPs, {self.bytes / 1e6:.0f} MB. Load it with "
            f"AutoModelForSequenceClassification.from_pretrained({str(self.folder)!r}); its README says more."
        )


def run_export(options: Options, model: str, mask: str, out: Path) -> Exported:
    """Writes the folder; `model` 'minilm' is the bundle's checkpoint of the task and seed, else a folder or Hub id.

    Raises BadBundle or BadCheckpoint where there is no such model, BadMask on a mask for another one, BadRequest
    where `out` holds something already.
    """
    about: dict[str, Any] = {}
    source = model
    if model == MINILM:
        source = str(options.bundle.checkpoint(Run(MINILM_NAME, options.task.name, options.seed)))
        about["seed"] = options.seed
    classifier = load_finetuned(source, options.task)
    wanted = read_mask(mask, classifier.n_layers, classifier.n_heads)
    about |= {"checkpoint": classifier.sha256}
    folder = expanded(out)
    files = write_folder(classifier, wanted, options.task, folder, about)
    size = sum(path.stat().st_size for path in files)
    return Exported(folder, wanted, tuple(path.name for path in files), size, remarks_on(classifier))
