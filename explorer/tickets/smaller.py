"""A pruned model in the smallest shape that plain transformers can hold, with the logits of the gated model.

A BERT of transformers has one number of heads and one width of the MLPs for all layers, and adds a layer's bias and
LayerNorms even where heads and MLP are gone: so no layer can be left out. What it can hold:

- transformers 5: MLPs of width 1 where every MLP is gone; all else in full shape, what is pruned zero.
- transformers 4: besides, without the pruned heads of each layer (`pruned_heads`), which 5 cannot load. It cannot run a
  layer without any head, so that such a layer keeps one head of zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from explorer.bert.checkpoints import Classifier
from explorer.bert.surgery import cut_tensors
from explorer.mask import Mask
from explorer.tickets.zeroing import zeroed

Loader = Literal["transformers-5", "transformers-4"]


@dataclass(frozen=True)
class Smaller:
    """Weights to write, what config.json has to say of their shapes, and what became of the pruned parts in words."""

    weights: Mapping[str, Tensor]
    config: Mapping[str, Any]
    """Entries that differ from the whole model's."""
    smaller: str
    """What is really smaller; '' where nothing is."""
    zero: str
    """What is only zero; '' where nothing is."""

    @property
    def n_parameters(self) -> int:
        """How many numbers there are in all weights."""
        return sum(tensor.numel() for tensor in self.weights.values())


def smaller(classifier: Classifier, mask: Mask, loader: Loader) -> Smaller:
    """Takes the weights that are left of the model under a mask. Raises BadMask on a mask for another model."""
    weights = {name: tensor.detach().contiguous() for name, tensor in zeroed(classifier, mask).state_dict().items()}
    config: dict[str, Any] = {}
    less, zero = [], []
    if not mask.mlps.any():
        weights = {name: _one_wide(name, tensor) for name, tensor in weights.items()}
        config["intermediate_size"] = 1
        less.append("every MLP is gone, so their width (`intermediate_size`) is 1 instead of what it was")
    elif not mask.mlps.all():
        gone = mask.n_layers - mask.mlps_kept
        zero.append(f"{_many(gone, 'pruned MLP')} (the width of the MLPs is one number for all layers)")
    off = ~mask.heads
    if loader == "transformers-4" and off.any():
        kept = mask.heads.copy()
        kept[~kept.any(axis=1), 0] = True
        whole = Mask(kept, mask.mlps | True)
        weights = cut_tensors(weights, whole, classifier.model.config.hidden_size // classifier.n_heads)
        pruned = {
            str(layer): [int(head) for head in (~row).nonzero()[0]] for layer, row in enumerate(kept) if not row.all()
        }
        if pruned:
            config["pruned_heads"] = pruned
            less.append(f"{_many(int((~kept).sum()), 'pruned head')}, cut out (`pruned_heads`)")
        if left := int((kept & off).sum()):
            zero.append(f"one head of each layer that lost all: {left} (transformers 4 cannot run a layer without)")
    elif off.any():
        zero.append(f"{_many(int(off.sum()), 'pruned head')} (transformers 5 cannot load layers of different widths)")
    weights = {name: tensor.contiguous().clone() for name, tensor in weights.items()}
    return Smaller(weights, config, "; ".join(less), "; ".join(zero))


def _one_wide(name: str, tensor: Tensor) -> Tensor:
    """An MLP of one neuron whose weights are zero; the bias of its output, (D,), is zero already."""
    if ".intermediate.dense." in name:
        return tensor[:1]
    if name.endswith(".output.dense.weight") and ".attention." not in name:
        return tensor[:, :1]
    return tensor


def _many(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
