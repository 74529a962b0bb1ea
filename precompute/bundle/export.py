"""Verb export: a fine-tuned model under a mask as a folder that plain transformers loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from explorer.bert.checkpoints import load_finetuned, weights_of
from explorer.paths import expanded
from explorer.store.bundle import require_room, require_writable
from explorer.tickets.loadable import require_empty, write_folder
from precompute.bundle.results import Exported
from precompute.bundle.score import checkpoint_source, read_mask, remarks_on
from precompute.options import Options


def run_export(options: Options, mask: str, out: Path) -> Exported:
    """Writes the folder. Raises BadBundle or BadCheckpoint where there is no such model, BadMask on a mask for another
    one, BadRequest where `out` holds something already, takes nothing or has no room."""
    folder = expanded(out)
    require_writable(folder, "Name another folder for --out.")
    require_empty(folder)
    source = checkpoint_source(options)
    about: dict[str, Any] = {"seed": options.seed} if source != options.model else {}
    classifier = load_finetuned(source, options.task)
    wanted = read_mask(mask, classifier.n_layers, classifier.n_heads)
    size = sum(array.nbytes for array in weights_of(classifier.model).values())
    require_room(folder, size, "Make room, or name another folder for --out.")
    about |= {"checkpoint": classifier.sha256}
    files = write_folder(classifier, wanted, options.task, folder, about)
    size = sum(path.stat().st_size for path in files)
    return Exported(folder, wanted, tuple(path.name for path in files), size, remarks_on(classifier))
