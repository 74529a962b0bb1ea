"""How to fine-tune: the paper's recipe, and one for MiniLM; importable without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from explorer.bert.model_names import MINILM
from explorer.errors import BadRequest

MOST_EPOCHS, MOST_EXAMPLES = 1_000, 65_536
"""Beyond these a number is a slip of the keyboard, told before the schedule of steps is laid out."""


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a fine-tuning."""

    name: str
    learning_rate: float
    epochs: int
    batch_size: int = 32
    weight_decay: float = 0.0
    warmup_share: float = 0.0
    """Share of all steps over which the learning rate rises from 0."""
    freeze_embeddings: bool = False
    """Train the encoder, pooler and classifier only: the stored checkpoint then needs no embeddings."""
    group_by_length: bool = False
    """Draw batches of similar length (shuffled among and within groups): less padding, same epochs."""
    attention_dropout: float | None = None
    """Instead of the model's own; 0 lets the fused attention kernels run."""
    max_grad_norm: float = 1.0
    bf16: bool = False
    """Compute the encoder in bf16 where the processor multiplies in it; weights and AdamW stay fp32."""

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or not self.learning_rate > 0:
            raise BadRequest("A recipe needs at least one epoch, one example a batch and a positive learning rate.")
        if self.epochs > MOST_EPOCHS or self.batch_size > MOST_EXAMPLES or self.learning_rate > 1:
            raise BadRequest(
                f"A recipe has at most {MOST_EPOCHS:,} epochs, {MOST_EXAMPLES:,} examples a batch and a learning rate "
                "of 1."
            )


PAPER = Recipe("paper", learning_rate=2e-5, epochs=3)
"""Prasanna et al. 2020, section 3."""
MINILM_RECIPE = Recipe(
    "minilm",
    learning_rate=1e-4,
    epochs=3,
    weight_decay=0.01,
    warmup_share=0.06,
    freeze_embeddings=True,
    group_by_length=True,
    attention_dropout=0.0,
    bf16=True,
)
MINILM_LARGE_RECIPE = replace(MINILM_RECIPE, name="minilm-large", epochs=1)
"""For more than 50,000 training examples (SST-2, QNLI, QQP, MNLI)."""
RECIPES = {recipe.name: recipe for recipe in (PAPER, MINILM_RECIPE, MINILM_LARGE_RECIPE)}
LARGE = 50_000


def default_recipe(model: str, n_train: int) -> Recipe:
    """The paper's recipe, unless the model is the embedded MiniLM."""
    if model != MINILM:
        return PAPER
    return MINILM_LARGE_RECIPE if n_train > LARGE else MINILM_RECIPE


def require_recipe(name: str) -> None:
    """Raises BadRequest where no recipe is called so; '' stands for the usual one."""
    if name and name not in RECIPES:
        raise BadRequest(f"There is no recipe {name!r}.", f"Recipes: {', '.join(RECIPES)}.")
