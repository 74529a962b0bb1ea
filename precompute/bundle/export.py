"""Verb export: a fine-tuned model under a mask as a folder that plain transformers loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from explorer.bert.checkpoints import load_finetuned
from explorer.paths import expanded
from explorer.store.bundle import require_writable
from explorer.tickets.loadable import write_folder
from precompute.bundle.results import Exported
from precompute.bundle.score import checkpoint_source, read_mask, remarks_on
from precompute.options import Options


def run_export(options: Options, mask: str, out: Path) -> Exported:
    """Writes the folder. Raises BadBundle or BadCheckpoint where there is no such model, BadMask on a mask for another
    one, BadRequest where `out` holds something already."""
    folder = expanded(out)
    require_writable(folder, "Name another folder for --out.")
    source = checkpoint_source(options)
    about: dict[str, Any] = {"seed": options.seed} if source != options.model else {}
    classifier = load_finetuned(source, options.task)
    wanted = read_mask(mask, classifier.n_layers, classifier.n_heads)
    about |= {"checkpoint": classifier.sha256}
    files = write_folder(classifier, wanted, options.task, folder, about)
    size = sum(path.stat().st_size for path in files)
    return Exported(folder, wanted, tuple(path.name for path in files), size, remarks_on(classifier))
