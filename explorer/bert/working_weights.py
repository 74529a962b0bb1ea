"""The weights that a training step computes with: the trained ones, those of the encoder cast once a step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_ENCODER = "bert.encoder."


class WorkingWeights:
    """A model's parameters by name, the encoder's as copies in `dtype` where that is not their own.

    Before each step call `refresh`, after its backward pass `hand_over_gradients`; gradients are fp32 like the model.
    """

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        self.by_name: dict[str, Tensor] = dict(model.named_parameters())
        self.trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._originals: list[nn.Parameter] = []
        self._copies: list[Tensor] = []
        for name, parameter in model.named_parameters():
            if name.startswith(_ENCODER) and parameter.dtype != dtype:
                working = parameter.detach().to(dtype).requires_grad_(parameter.requires_grad)
                self.by_name[name] = working
                self._originals.append(parameter)
                self._copies.append(working)

    @torch.no_grad()
    def refresh(self) -> None:
        """Casts the trained weights anew."""
        if self._copies:
            torch._foreach_copy_(self._copies, list(self._originals))

    def hand_over_gradients(self) -> None:
        """Moves the copies' gradients to the parameters that the optimizer steps."""
        given = [(o, w.grad) for o, w in zip(self._originals, self._copies, strict=True) if w.grad is not None]
        if not given:
            return
        converted = [torch.empty_like(original) for original, _ in given]
        torch._foreach_copy_(converted, [gradient for _, gradient in given])
        for (original, _), gradient in zip(given, converted, strict=True):
            original.grad = gradient
        for working in self._copies:
            working.grad = None
