"""How large a subnetwork is: heads, MLPs, and the encoder parameters in them."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.bert.model_names import BERT_BASE, MINILM_NAME
from explorer.mask import Mask

_WIDTHS = {MINILM_NAME: (384, 1536), BERT_BASE: (768, 3072)}
"""Hidden and intermediate size of the models whose bundles do not say it."""


@dataclass(frozen=True)
class Size:
    """Number of heads, MLPs and encoder parameters that a mask keeps."""

    heads: int
    mlps: int
    parameters: int | None
    """Weights and biases of the heads and MLPs it keeps; None for a model of unknown width."""
    share: float | None
    """Parameters kept over those of all heads and MLPs, 0 to 1; None for a model of unknown width."""


def size_of(mask: Mask, model: str) -> Size:
    """Counts what a mask keeps of the model that the bundle names so.

    Embeddings, norms and the output's bias are never pruned, and not counted.
    """
    if model not in _WIDTHS:
        return Size(mask.heads_kept, mask.mlps_kept, None, None)
    hidden, intermediate = _WIDTHS[model]
    width = hidden // mask.n_heads
    a_head = 4 * hidden * width + 3 * width  # query, key and value with biases, its columns of the output
    an_mlp = 2 * hidden * intermediate + intermediate + hidden
    kept = mask.heads_kept * a_head + mask.mlps_kept * an_mlp
    return Size(mask.heads_kept, mask.mlps_kept, kept, kept / (mask.heads.size * a_head + mask.n_layers * an_mlp))
