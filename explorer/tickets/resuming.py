"""The saved state of an unfinished fine-tuning: weights, AdamW's moments and how many steps are done."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from explorer.errors import BadRequest
from explorer.store.saved_state import saved_whole


def save(
    folder: Path, identity: str, done: int, model: torch.nn.Module, optimizer: torch.optim.Optimizer, seconds: float = 0
) -> None:
    """Writes the state whole or not at all; `identity` says of which fine-tuning it is. seconds: of all sittings.

    Raises BadBundle where it cannot be written.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
    partial = folder / "state.partial"
    with saved_whole(partial, folder / "state.safetensors"):
        save_file(
            {name: tensor.contiguous() for name, tensor in tensors.items()},
            partial,
            metadata={"identity": identity, "done": str(done), "seconds": str(seconds)},
        )


def saved_seconds(folder: Path) -> float:
    """Reads how many seconds of training the saved state took; 0 where nothing (readable) is saved."""
    try:
        with safe_open(folder / "state.safetensors", "pt") as file:
            return float((file.metadata() or {}).get("seconds", 0))
    except (SafetensorError, OSError, ValueError):
        return 0.0


def restore(folder: Path, identity: str, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Fills model and optimizer; steps already done: 0, and nothing touched, where nothing (readable) is saved.

    Raises BadRequest where the state is of another fine-tuning.
    """
    path = folder / "state.safetensors"
    if not path.exists():
        return 0
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(path)
    except (SafetensorError, OSError):
        return 0  # killed while writing on a disk that does not rename atomically: start over
    if metadata.get("identity") != identity:
        raise BadRequest(
            f"{folder} holds an unfinished fine-tuning with other options, data or model.",
            "Finish that one, or delete the folder.",
        )
    done = int(metadata["done"])
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, number, slot = name.split(".", 2)
            state.setdefault(int(number), {})[slot] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return done
