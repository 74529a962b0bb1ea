"""Stage recipe search: learning rate, epochs and warm-up by successive halving, on a tenth of the TRAINING sets.

The dev sets are never read, so what they say of the chosen recipe is not flattered by the choice. All tasks share one
recipe: a candidate is judged by the mean of its scores. Today's recipe goes to the end with the best, so that the two
can be compared on the same examples. `python -m precompute.bench.recipe_search --out FOLDER` goes on where it was
killed; `trials.csv` there holds every score as it comes, and `--table` prints them with the verdict.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from explorer.bert.checkpoints import load_pretrained
from explorer.bert.engine import Engine
from explorer.bert.model_names import MINILM
from explorer.glue.encoding import encode
from explorer.glue.metrics import predictions_of
from explorer.glue.sources import load_examples
from explorer.glue.tasks import TASKS, Examples
from explorer.mask import Mask
from explorer.stats.intervals import score_with_interval
from explorer.store.saved_state import Pace
from explorer.tickets.finetuning import Progress, TrainingSet, epoch_order, finetune, loss_per_example
from explorer.tickets.recipes import MINILM_RECIPE, Recipe
from precompute.bench.recipe_trials import (
    TRIALS,
    Candidate,
    Trial,
    append,
    as_markdown,
    better_half,
    hold_out,
    logits_file,
    trials_so_far,
    verdict,
)
from precompute.console import GlueOption
from precompute.options import resolved_device
from precompute.stages.training import training_bar

RUNGS = (1 / 3, 2 / 3, 1.0)
"""Shares of a candidate's steps after which it is scored and, but for the last, the worse half is dropped."""
SAVE_EVERY = 50
"""Steps."""


CANDIDATES = (
    *(Candidate(rate, epochs, 0.06) for rate in (1e-4, 2e-4, 3e-4) for epochs in (3, 6)),
    *(Candidate(rate, 6, 0.2) for rate in (1e-4, 2e-4)),
)
TODAY = CANDIDATES[0]
"""The recipe `minilm`."""


def search(
    train: Sequence[Examples],
    model: str,
    out: Path,
    *,
    seed: int = 1337,
    base: Recipe = MINILM_RECIPE,
    candidates: Sequence[Candidate] = CANDIDATES,
    rungs: Sequence[float] = RUNGS,
    always: Candidate | None = None,
    device: str = "cpu",
) -> Iterator[Trial]:
    """Every trial in order, those of earlier sittings read back; after each rung the better half by mean score stays.

    train: the training set of each task. always: stays whatever it scores. device: where it is trained.
    Raises BadRequest where `out` holds the state of another search.
    """
    left = list(candidates)
    for number, share in enumerate(rungs):
        of_rung: list[Trial] = []
        for candidate in left:
            for examples in train:
                known = _known(out, examples.task.name, candidate, share)
                trial = known or _tried(examples, model, out, seed, base, candidate, share, device)
                of_rung.append(trial)
                yield trial
        if number + 1 < len(rungs):
            kept = better_half([trial for trial in of_rung if trial.candidate != always])
            kept += [candidate for candidate in left if candidate == always]
            for candidate in left:
                if candidate not in kept:
                    shutil.rmtree(out / "state" / candidate.name, ignore_errors=True)
            left = kept


def _known(out: Path, task: str, candidate: Candidate, share: float) -> Trial | None:
    found = [
        t for t in trials_so_far(out) if t.task == task and t.candidate == candidate and abs(t.share - share) < 1e-9
    ]
    return found[0] if found else None


def _tried(
    train: Examples,
    model: str,
    out: Path,
    seed: int,
    base: Recipe,
    candidate: Candidate,
    share: float,
    device: str,
) -> Trial:
    rest, tenth = hold_out(train)
    pretrained = load_pretrained(model, train.task, seed)
    recipe = candidate.recipe(base)
    data = TrainingSet(train.task, encode(rest, pretrained.tokenizer), rest.labels)
    steps = recipe.epochs * len(epoch_order(data.encoded.lengths, recipe, seed, 0))
    folder = out / "state" / candidate.name / train.task.name
    folder.mkdir(parents=True, exist_ok=True)
    clock = _Clock(folder / "seconds.txt")
    with training_bar(f"{train.task.name} {candidate.name} to {share:.0%}") as show:
        tuned = finetune(
            pretrained,
            data,
            recipe,
            seed,
            device=device,
            resume_dir=folder,
            save_every=SAVE_EVERY,
            on_step=_both(show, clock),
            stop_after=round(share * steps),
            pace=Pace(math.inf),  # the clock is written with the steps
        )
    seconds, cpu_seconds = clock.write()
    trained = replace(pretrained, model=tuned)
    full = Mask.full(trained.n_layers, trained.n_heads)
    logits = Engine(trained).logits_of_all(encode(tenth, trained.tokenizer), full)
    score = score_with_interval(train.task.metric, predictions_of(train.task, logits), tenth.labels)
    loss = loss_per_example(train.task, torch.from_numpy(logits), torch.from_numpy(tenth.labels)).mean()
    trial = Trial(
        task=train.task.name,
        **asdict(candidate),
        share=share,
        steps=round(share * steps),
        score=score.value,
        low=score.low,
        high=score.high,
        n=score.n,
        loss=float(loss),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        seed=seed,
        device=device,
    )
    if share == 1.0:
        np.save(logits_file(out, candidate, train.task.name), logits)
    append(out / TRIALS, trial)
    if share == 1.0:
        shutil.rmtree(folder, ignore_errors=True)
    return trial


class _Clock:
    """Seconds of training over all sittings, on the clock and of the processor; on disk every few steps."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = tuple(float(part) for part in path.read_text().split()) if path.exists() else (0.0, 0.0)
        self._started = time.perf_counter(), time.process_time()

    def __call__(self, progress: Progress) -> None:
        if progress.step % 10 == 0:
            self.write()

    def write(self) -> tuple[float, float]:
        now = time.perf_counter(), time.process_time()
        wall, cpu = (round(b + n - s, 1) for b, n, s in zip(self._before, now, self._started, strict=True))
        partial = self._path.with_suffix(".partial")
        partial.write_text(f"{wall} {cpu}")
        partial.replace(self._path)
        return wall, cpu


def _both(*listeners: Callable[[Progress], None]) -> Callable[[Progress], None]:
    def on_step(progress: Progress) -> None:
        for listener in listeners:
            listener(progress)

    return on_step


def command(
    out: Annotated[Path, typer.Option(help="Where trials.csv and the unfinished states go.")],
    task: Annotated[list[str] | None, typer.Option(help="Default: RTE, MRPC and CoLA.")] = None,
    glue_dir: GlueOption = None,
    model: str = MINILM,
    seed: int = 1337,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "cpu",
    only: Annotated[
        int | None, typer.Option(help="Train this candidate alone, to the end: its place in the list, from 0.")
    ] = None,
    table: Annotated[bool, typer.Option(help="Train nothing; print what was tried so far, and the verdict.")] = False,
) -> None:
    """Search the recipe; killed, the same command goes on."""
    train = [load_examples(TASKS[name], "train", glue_dir) for name in task or ("RTE", "MRPC", "CoLA")]
    if table:
        typer.echo(as_markdown(trials_so_far(out)))
        typer.echo(
            str(verdict(out, train, TODAY) or "No verdict: not trained to the end, or today's recipe is the best.")
        )
        return
    one = only is not None
    tried = search(
        train,
        model,
        out,
        seed=seed,
        candidates=CANDIDATES[only : only + 1] if only is not None else CANDIDATES,
        rungs=RUNGS[-1:] if one else RUNGS,
        always=TODAY,
        device=resolved_device(device),
    )
    for trial in tried:
        typer.echo(
            f"{trial.task} {trial.candidate.name} at {trial.share:.0%}: {trial.score:.4f} "
            f"({trial.low:.4f} to {trial.high:.4f}), loss {trial.loss:.4f}, {trial.seconds:.0f} s"
        )


if __name__ == "__main__":
    typer.run(command)
