"""Plain transformers with gates: the slow, obvious way, against which the engine is proven."""

from __future__ import annotations

import numpy as np
import torch

from explorer.arrays import Float32Array
from explorer.bert.batches import by_length
from explorer.bert.checkpoints import Classifier
from explorer.bert.gates import gated, gates_of
from explorer.glue.encoding import Encoded
from explorer.mask import Mask


def reference_logits(classifier: Classifier, encoded: Encoded, mask: Mask, *, batch_size: int = 32) -> Float32Array:
    """Computes logits (n, n_outputs) with stock transformers: padded batches, hooks for the mask, fp32."""
    device = str(classifier.model.device)
    logits = np.zeros((len(encoded), classifier.n_outputs), np.float32)
    with torch.inference_mode(), gated(classifier.model, *gates_of(mask, device)):
        for batch in by_length(encoded, batch_size, device=device):
            output = classifier.model(
                input_ids=batch.input_ids,
                token_type_ids=batch.token_types,
                attention_mask=batch.attention_mask,
            )
            logits[batch.indices] = output.logits.float().cpu().numpy()
    return logits
