"""What fine-tuning and retraining share: a progress bar, and the recipe of a run as its manifest tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from explorer.errors import BadBundle
from explorer.store.bundle import command_for
from explorer.store.schema import Manifest
from explorer.tickets.finetuning import Progress
from explorer.tickets.recipes import Recipe


@contextmanager
def training_bar(words: str) -> Iterator[Callable[[Progress], None]]:
    """A bar on the terminal; what it yields takes each step's progress."""
    with tqdm(desc=words, unit="step", mininterval=1) as bar:

        def show(progress: Progress) -> None:
            bar.total = progress.steps
            bar.set_postfix(loss=f"{progress.loss:.3f}", refresh=False)
            bar.update(progress.step - bar.n)

        yield show


def recipe_of(finetuned: Manifest) -> Recipe:
    """With which the run was fine-tuned; raises BadBundle where its manifest does not say."""
    try:
        return Recipe(**finetuned.config["recipe"])
    except (KeyError, TypeError):
        raise BadBundle(
            f"{finetuned.key.path} does not say with which recipe it was made.",
            f"Delete that folder and make it again: `{command_for(finetuned.key)}`.",
        ) from None
