"""What a talk needs before it starts: its screens made, its models loaded; and its live scores while it runs."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import BadBundle, BadRequest, ExplorerError
from explorer.glue.tasks import Task
from explorer.paths import expanded
from explorer.store.bundle import CHECKPOINT
from explorer.store.schema import Key, Run
from explorer.study.fitting import why_not
from explorer.study.learnt import line_to_keep
from explorer.tickets.pruning_path import PruningPath, path_of
from explorer.ui import cached, cached_models
from explorer.ui.pages.stage.numbers import Figure, score_figure_words
from explorer.ui.pages.stage.scenes import Scene
from explorer.ui.pages.stage.story import SHIPPED, Step, Story, decode_story, read_story
from explorer.ui.pages.stage.story_values import FACTS, Material
from explorer.ui.scoring.dev_data import DataSource, glue_source
from explorer.ui.scoring.request import Question, Standing
from explorer.ui.scoring.score_panel import verified_in_words
from explorer.ui.view import View


def story_of(upload: bytes | None, tasks: Collection[str] = ()) -> tuple[Story, str]:
    """The story and where it is from: uploaded, else named in EXPLORER_STORY, else the one that ships.

    tasks: the bundle's own, which it may name beside GLUE's. Raises BadRequest.
    """
    if upload is not None:
        return decode_story(upload, FACTS, tasks), "uploaded"
    if own := os.environ.get("EXPLORER_STORY"):
        return read_story(expanded(own), FACTS, tasks), Path(own).name
    return read_story(SHIPPED, FACTS), "the one that ships"


def material(view: View, run: Run) -> Material:
    """All that a story may tell of a run; raises BadBundle where the run itself is not in the bundle."""
    known = cached.known(view, run)
    tickets = cached.tickets(view, run)
    maps = Key(run, "attention", "finetuned")
    return Material(
        known,
        cached.claim_sheet(view, run.model, run.task),
        tickets,
        _path(view, run, "together"),
        _path(view, run, "heads"),
        cached.tested_patterns(view, run),
        "" if why_not(view.bundle, maps) else view.bundle.command_for(maps),
        view.bundle.command_for(Key(run, "structured", "together")),
    )


def run_of(step: Step, view: View) -> Run:
    """The run that a step tells of. Raises BadRequest where the bundle does not hold it."""
    selected = view.run
    run = Run(selected.model, step.task or selected.task, selected.seed if step.seed is None else step.seed)
    if not view.has(Key(run, "finetune")):
        there = sorted({(m.task, m.seed) for m in view.manifests if (m.stage, m.model) == ("finetune", run.model)})
        listed = ", ".join(f"{task} {seed}" for task, seed in there) or "none"
        raise BadRequest(
            f"{step.where}: this bundle holds no {run.task} run of seed {run.seed}.", f"It holds {listed}."
        )
    return run


@dataclass(frozen=True)
class Live:
    """One screen whose score can be computed here."""

    number: int
    question: Question


def live_of(view: View, scenes: Sequence[Scene]) -> tuple[Live, ...]:
    """The screens whose score can be computed here: the checkpoint is there, and the dev set or, where the bundle
    does not know the mask, the diagnostics."""
    found = []
    for number, scene in enumerate(scenes):
        if scene.mask is None or scene.material is None:
            continue
        known = scene.material.known
        if CHECKPOINT not in cached.artefact(view, Key(known.run, "finetune")).manifest.files:
            continue
        source = _glue(known.task)
        if source is None and scene.mask.code not in known.by_code:
            source = DataSource(cached_models.DIAGNOSTICS)
        if source is not None:
            found.append(Live(number, Question(view, known, source, scene.mask)))
    return tuple(found)


@dataclass(frozen=True)
class Models:
    """How many models the talk needs, and how many are loaded."""

    loaded: int
    total: int
    trouble: str = ""
    """Why one cannot be loaded."""


def models(live: Sequence[Live]) -> Models:
    """Asks for every model of the talk, in the background, and says how far they are."""
    futures: dict[tuple[Run, str], Future[Any]] = {}
    trouble = ""
    for of in live:
        q = of.question
        run, source = q.known.run, q.source
        try:
            futures[run, source.kind] = cached_models.evaluator(q.view, run, source.kind, source.folder)
        except ExplorerError as error:
            trouble = str(error)
    ended = [future.exception() for future in futures.values() if future.done()]
    failed = [reason for reason in ended if reason is not None]
    if failed:
        first = failed[0]
        trouble = (
            str(first) if isinstance(first, ExplorerError) else f"A model failed to load ({type(first).__name__})."
        )
    loaded = sum(future.done() and future.exception() is None for future in futures.values())
    return Models(loaded, len(futures), trouble)


def live_figure(question: Question, standing: Standing) -> Figure | None:
    """The live score for the screen, and whether it is fp32's; None while it is not exact."""
    if standing.answer is None:
        return None
    found = standing.answer.comparison
    score, name = found.score, found.task.metric_words
    if question.source.kind == cached_models.DIAGNOSTICS:
        name = f"{name} on {question.title}"
    figure = score_figure_words(name, score, line_to_keep(found.full, question.baseline))
    evaluation = standing.answer.evaluation
    seconds, verified = evaluation.seconds, verified_in_words(evaluation, standing.unverified).replace("**", "")
    how = "remembered" if standing.answer.entry else f"computed in {seconds:.1f} s"
    return Figure(figure.value, figure.words, f"{figure.small}, {how}, {verified}")


def _glue(task: Task) -> DataSource | None:
    try:
        return glue_source(task)
    except ExplorerError:
        return None


def _path(view: View, run: Run, variant: str) -> PruningPath | None:
    key = Key(run, "structured", variant)
    if not view.has(key):
        return None
    try:
        return path_of(cached.artefact(view, key), cached.known(view, run).shape)
    except (BadBundle, KeyError):
        return None
