"""A model in its full shape with what a mask prunes at zero, so that it needs no gates."""

from __future__ import annotations

import copy

import torch
from transformers import BertForSequenceClassification

from explorer.bert.checkpoints import Classifier
from explorer.bert.gates import encoder_layers
from explorer.mask import Mask


def zeroed(classifier: Classifier, mask: Mask) -> BertForSequenceClassification:
    """Copies the model in its full shape with pruned weights at zero, so that it gives the logits of the gated model.

    Of a pruned head the rows of query, key and value are 0, with their biases, and the columns of
    `attention.output.dense`, whose bias stays. Of a pruned MLP all weights and biases are 0: LayerNorm(x) is left.
    Raises BadMask on a mask for another model.
    """
    mask.check_fits(classifier.n_layers, classifier.n_heads)
    model = copy.deepcopy(classifier.model)
    with torch.no_grad():
        for number, layer in enumerate(encoder_layers(model)):
            attention = layer.attention.self
            off = torch.from_numpy(~mask.heads[number]).repeat_interleave(attention.attention_head_size)  # (H * d,)
            for linear in (attention.query, attention.key, attention.value):
                linear.weight[off] = 0
                linear.bias[off] = 0
            layer.attention.output.dense.weight[:, off] = 0
            if not mask.mlps[number]:
                for linear in (layer.intermediate.dense, layer.output.dense):
                    linear.weight.zero_()
                    linear.bias.zero_()
    return model.eval()
