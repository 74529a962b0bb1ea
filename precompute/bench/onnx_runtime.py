"""The same gated BERT under ONNX Runtime, for the benchmark; optional: requirements-bench.txt.

Heads and MLPs are gated, not cut away: one graph serves every mask, as it must where masks change at every click.
"""

from __future__ import annotations

import copy
import importlib
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explorer.arrays import Float32Array
from explorer.bert.batches import by_length
from explorer.bert.checkpoints import Classifier
from explorer.bert.gates import gated, gates_of
from explorer.errors import BadRequest
from explorer.glue.encoding import Encoded
from explorer.mask import Mask

_INPUTS = ("input_ids", "token_types", "attention_mask", "heads", "mlps")


class _Gated(nn.Module):
    """Logits of a batch under gates that are inputs of the graph."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.model = copy.deepcopy(classifier.model)
        self.model.set_attn_implementation("eager")

    def forward(self, ids: Tensor, types: Tensor, attention: Tensor, heads: Tensor, mlps: Tensor) -> Any:
        """Computes logits (B, n_outputs); ids, types, attention (B, T), heads (L, H), mlps (L,)."""
        with gated(self.model, heads, mlps):
            return self.model(input_ids=ids, token_type_ids=types, attention_mask=attention).logits


def onnx_forward(classifier: Classifier, encoded: Encoded) -> Callable[[Mask], Float32Array]:
    """Builds a session with as many threads as torch has, which gives a mask's logits (n, n_outputs) in fp32.

    Batches of 32 sorted by length, as plain transformers gets. Raises BadRequest with the reason where onnxruntime or
    onnx is not installed, or the model cannot be exported.
    """
    try:
        runtime: Any = importlib.import_module("onnxruntime")
        importlib.import_module("onnx")
    except ImportError as error:
        raise BadRequest(f"{error.name} is not installed (requirements-bench.txt).") from None
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "gated.onnx"
        _export(classifier, encoded, graph)
        session = runtime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    batches = list(by_length(encoded, 32))

    def logits_of(mask: Mask) -> Float32Array:
        heads, mlps = (gate.numpy() for gate in gates_of(mask))
        logits = np.zeros((len(encoded), classifier.n_outputs), np.float32)
        for batch in batches:
            tensors = (batch.input_ids.numpy(), batch.token_types.numpy(), batch.attention_mask.numpy(), heads, mlps)
            (logits[batch.indices],) = session.run(None, dict(zip(_INPUTS, tensors, strict=True)))
        return logits

    return logits_of


def _export(classifier: Classifier, encoded: Encoded, graph: Path) -> None:
    batch = next(iter(by_length(encoded.subset(np.arange(min(4, len(encoded)))), 4)))
    gates = gates_of(Mask.full(classifier.n_layers, classifier.n_heads))
    given = (batch.input_ids, batch.token_types, batch.attention_mask, *gates)
    axes = {name: {0: "examples", 1: "tokens"} for name in _INPUTS[:3]} | {"logits": {0: "examples"}}
    try:
        with torch.inference_mode(), warnings.catch_warnings(action="ignore"):
            torch.onnx.export(
                _Gated(classifier),
                given,
                graph,
                input_names=list(_INPUTS),
                output_names=["logits"],
                dynamic_axes=axes,
                opset_version=17,
                dynamo=False,  # the newer exporter needs onnxscript too
            )
    except Exception as error:
        raise BadRequest(f"The model cannot be exported to ONNX ({type(error).__name__}: {error}).") from error
