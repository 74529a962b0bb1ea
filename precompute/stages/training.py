"""What fine-tuning and retraining share: a progress bar, the recipe of a run, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from explorer.errors import BadBundle, BadRequest
from explorer.stats.intervals import Score
from explorer.store.bundle import Bundle
from explorer.store.schema import Manifest
from explorer.tickets.finetuning import Progress
from explorer.tickets.recipes import Recipe
from precompute.artefacts import Draft


@contextmanager
def training_bar(words: str) -> Iterator[Callable[[Progress], None]]:
    """Draws a bar on the terminal; what it yields takes each step's progress."""
    with tqdm(desc=words, unit="step", mininterval=1) as bar:

        def show(progress: Progress) -> None:
            bar.total = progress.steps
            if bar.update(progress.step - bar.n):  # drawn; else a GPU would be waited for at every step
                bar.set_postfix(loss=f"{progress.loss:.3f}", refresh=False)

        yield show


def recipe_of(bundle: Bundle, finetuned: Manifest) -> Recipe:
    """Reads the recipe that a run was fine-tuned with; raises BadBundle where its manifest does not say, and
    BadRequest where the model was opened as it is."""
    if "recipe" in finetuned.config and finetuned.config["recipe"] is None:
        raise BadRequest(
            f"{finetuned.key.run.path} was opened as it is: nothing says how it was trained.",
            "Fine-tune the pre-trained model here to retrain its subnetworks.",
        )
    try:
        return Recipe(**finetuned.config["recipe"])
    except (KeyError, TypeError):
        raise BadBundle(
            f"{finetuned.key.path} does not say with which recipe it was made.",
            f"Delete that folder and make it again: `{bundle.command_for(finetuned.key)}`.",
        ) from None


def write_trained(draft: Draft, score: Score, seconds: float, more: Mapping[str, Any], **contents: Any) -> Manifest:
    """Writes what training ended with.

    draft: the artefact. score: of the trained model on dev, with its interval. seconds: of computation. more: added
    to the summary. contents: arrays, table, blobs.
    """
    summary = {name: getattr(score, name) for name in ("value", "low", "high", "n", "metric")}
    return draft.write({"score": summary.pop("value"), **summary, **more}, seconds, **contents)
