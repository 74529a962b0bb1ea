"""Constants learnt by gradient for the place of heads and MLPs that are off (Li and Janson 2024, arXiv:2409.09951).

Their optimal ablation takes, of all constants, those under which the ablated model stays closest to the full one
(section 2.3); here all parts are learnt at once under random masks, since any mask may be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from explorer.arrays import Float64Array
from explorer.bert.checkpoints import Classifier
from explorer.bert.engine import Instead
from explorer.bert.shards import shard_of
from explorer.bert.training_forward import Gates, Layout, training_logits
from explorer.errors import BadRequest
from explorer.glue.encoding import Encoded
from explorer.glue.tasks import Task
from explorer.store.saved_state import SavedState

STEPS, BATCH, LEARNING_RATE = 240, 32, 0.01
"""Steps of Adam, examples a step, and the learning rate at the first step; it falls to 0 in a straight line."""
_CONSTANTS = ("heads", "mlps")


@dataclass(frozen=True, eq=False)
class LearnedConstants:
    """What was learnt, and how the loss fell."""

    instead: Instead
    losses: Float64Array
    """(steps,): mean divergence from the full model over the batch of each step, before it."""


def learn_constants(
    classifier: Classifier,
    task: Task,
    encoded: Encoded,
    begin: Instead,
    rates: Sequence[float],
    *,
    steps: int = STEPS,
    batch_size: int = BATCH,
    learning_rate: float = LEARNING_RATE,
    seed: int = 0,
    device: str = "cpu",
    state: SavedState | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> LearnedConstants:
    """Learns one constant for each head (its context) and MLP (its output), with the weights frozen.

    classifier, task, encoded: the model and the training examples, whose labels are not read: the loss is the
    Kullback-Leibler divergence of the masked model's classes from the full model's, for a regression the squared
    difference of their values. begin: constants of the first step, the means for instance. rates: keep rates; each
    example of a step has a mask of its own, each part of which is kept at a rate drawn from these.
    steps, batch_size, learning_rate: of Adam. seed: draws batches and masks, by the step alone. device: where it is
    computed. state: where it is saved by time, and gone on from. on_step: told after each step how many are done, and
    of how many. Raises BadRequest on an empty set.

    >>> encoded = encode(examples, classifier.tokenizer)
    >>> means = Engine(classifier).mean_outputs(shards_of(encoded))
    >>> found = learn_constants(classifier, examples.task, encoded, means, (0.5, 0.9), steps=3)
    >>> found.instead.heads.shape == means.heads.shape, found.losses.shape
    (True, (3,))
    """
    if len(encoded) == 0:
        raise BadRequest("Constants are learnt from at least one example.")
    weights = {name: parameter.detach().to(device) for name, parameter in classifier.model.named_parameters()}
    layout = Layout.of(classifier.model)
    constants = {
        name: getattr(begin, name).to(device, torch.float32).clone().requires_grad_(True) for name in _CONSTANTS
    }
    optimiser = torch.optim.Adam(constants.values(), lr=learning_rate)
    losses: list[float] = []
    if state and state.arrays:
        losses = list(state.arrays["losses"])
        _restore(optimiser, constants, state, len(losses))
    for step in range(len(losses), steps):
        rng = np.random.default_rng((seed, step))
        chosen = rng.permutation(len(encoded))[:batch_size]
        batch = shard_of(encoded, np.sort(chosen), device)
        heads, mlps = _random_gates(rng, rates, len(chosen), constants["heads"].shape[:2], device)
        with torch.no_grad():
            full = training_logits(weights, layout, batch)
        now = Instead(constants["heads"], constants["mlps"])
        loss = _divergence(task, training_logits(weights, layout, batch, gates=Gates(heads, mlps, now)), full)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * (1 - step / steps)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        if state and state.pace.due:
            state.save(losses=np.array(losses), **_moments(optimiser, constants))
        if on_step:
            on_step(step + 1, steps)
    learnt = Instead(*(constants[name].detach().cpu() for name in _CONSTANTS))
    return LearnedConstants(learnt, np.array(losses, np.float64))


def _random_gates(
    rng: np.random.Generator, rates: Sequence[float], many: int, shape: tuple[int, ...], device: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gates of 0 or 1, heads (B, L, H) and MLPs (B, L)."""
    layers, heads = shape
    kept = rng.random((many, layers, heads + 1)) < rng.choice(rates, many)[:, None, None]
    gates = torch.from_numpy(kept.astype(np.float32)).to(device)
    return gates[..., :heads], gates[..., heads]


def _divergence(task: Task, logits: torch.Tensor, full: torch.Tensor) -> torch.Tensor:
    if task.is_regression:
        return functional.mse_loss(logits.float(), full.float())
    said, wanted = (functional.log_softmax(of.float(), dim=-1) for of in (logits, full))
    return functional.kl_div(said, wanted, log_target=True, reduction="batchmean")


def _moments(optimiser: torch.optim.Adam, constants: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    told = {name: of.detach().cpu().numpy() for name, of in constants.items()}
    for name, of in constants.items():
        told |= {f"{name}_{moment}": optimiser.state[of][moment].cpu().numpy() for moment in ("exp_avg", "exp_avg_sq")}
    return told


def _restore(optimiser: torch.optim.Adam, constants: dict[str, torch.Tensor], state: SavedState, steps: int) -> None:
    for name, of in constants.items():
        with torch.no_grad():
            of.copy_(torch.from_numpy(state.arrays[name]))
        moments = {
            moment: torch.from_numpy(state.arrays[f"{name}_{moment}"]).to(of) for moment in ("exp_avg", "exp_avg_sq")
        }
        optimiser.state[of] = {"step": torch.tensor(float(steps)), **moments}
