"""A pruned model as an ONNX graph, which has any shape a layer: what the mask switches off is really not in it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertForSequenceClassification

from explorer.bert.checkpoints import Classifier
from explorer.bert.surgery import cut
from explorer.errors import BadRequest
from explorer.mask import Mask

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OPSET = 17


class _Logits(nn.Module):
    """The logits alone, of positional arguments, as a trace wants them."""

    def __init__(self, model: BertForSequenceClassification) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, attention: Tensor, types: Tensor) -> Any:
        """Computes logits (B, n_outputs) of ids, attention and types, each (B, T)."""
        return self.model(input_ids=ids, attention_mask=attention, token_type_ids=types).logits


def write_graph(classifier: Classifier, mask: Mask, file: Path) -> int:
    """Writes the model without what the mask switches off; returns how many parameters are left.

    Batch and length are free. Raises BadRequest where torch cannot trace it, BadMask on a mask for another model.
    """
    model = cut(classifier, mask)
    model.set_attn_implementation("eager")
    ids = torch.tensor([[2, 5, 6, 7, 3], [2, 5, 3, 0, 0]]) % classifier.model.config.vocab_size
    attention = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    axes = {name: {0: "examples", 1: "tokens"} for name in INPUTS} | {"logits": {0: "examples"}}
    try:
        with torch.inference_mode(), warnings.catch_warnings(action="ignore"):
            torch.onnx.export(
                _Logits(model),
                (ids, attention, torch.zeros_like(ids)),
                file,
                input_names=list(INPUTS),
                output_names=["logits"],
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,  # the newer exporter needs onnxscript too
            )
    except Exception as error:
        raise BadRequest(f"The model cannot be exported to ONNX ({type(error).__name__}: {error}).") from error
    return sum(parameter.numel() for parameter in model.parameters())
