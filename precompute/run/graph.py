"""The plan of many runs: every artefact of every task and seed, and what each is made from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from explorer.errors import BadRequest
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.store.stages import Stage, computed, stage_named


@dataclass(frozen=True)
class Job:
    """One artefact to be made."""

    key: Key
    needs: tuple[Key, ...] = ()
    """Artefacts that must be there before it can be begun."""
    seed: int = 0
    """The seed that its stage is called with: the run's, or the first one where it is made once for all seeds."""
    train_file: str = ""
    """Another training file of the task's folder; for fine-tuning only."""
    after: tuple[Key, ...] = ()
    """Artefacts of the plan that it reads if they are there: it waits until they are made, or have failed."""

    @property
    def verb(self) -> str:
        """The verb that makes it."""
        return stage_named(self.key.stage).verb


@dataclass(frozen=True)
class Extra:
    """An artefact beyond the study's own, of every seed of a task or of all tasks."""

    stage: str
    variant: str
    task: str = ""
    """'' for every task."""

    @classmethod
    def parse(cls, text: str) -> Extra:
        """Reads 'retrained.super-good' or 'MRPC:retrained.super-good'; raises BadRequest on what no stage makes."""
        task, _, name = text.rpartition(":")
        stage, _, variant = name.partition(".")
        register = stage_named(stage)
        options = register.options_of(variant) if register.options else {}
        register.check(options)
        if register.imported or register.variant_of(options) != variant:
            raise BadRequest(f"{name!r} names no artefact that can be computed.", "An example: retrained.super-good.")
        return cls(stage, variant, task)


def graph(
    model: str,
    tasks: Sequence[str],
    seeds: Sequence[int],
    *,
    extra: Sequence[Extra] = (),
    without: Collection[str] = (),
    train_files: dict[str, str] | None = None,
) -> tuple[Job, ...]:
    """Lists the jobs of all runs: task by task as given, within a task in the order of the register.

    model: its name in the bundle. extra: beyond what the study makes. without: verbs to leave out, with whatever
    builds on them. train_files: task -> another training file. Raises BadRequest on an unknown verb to leave out, one
    that everything builds on, or seeds given twice.
    """
    require_optional(without)
    for what, given in (("task", tasks), ("seed", seeds)):
        if twice := [one for one in dict.fromkeys(given) if list(given).count(one) > 1]:
            raise BadRequest(f"The {what} {twice[0]} is given twice.")
    if not tasks or not seeds:
        raise BadRequest("There is nothing to plan.", "Name at least one task and one seed.")
    planned: list[Job] = []
    for task in tasks:
        runs = tuple(Run(model, task, seed) for seed in seeds)
        of_task = [one for one in extra if one.task in ("", task)]
        file = (train_files or {}).get(task, "")
        for stage in computed():
            if stage.verb not in without:
                planned += _of_stage(stage, runs, [one.variant for one in of_task if one.stage == stage.name], file)
    left_out = {stage.name for stage in computed() if stage.verb in without}
    needed = {key for job in planned for key in job.needs if key.stage in left_out}
    return tuple(without_orphans(planned, needed))


def narrowed(jobs: Sequence[Job], wanted: Collection[Extra]) -> tuple[Job, ...]:
    """Keeps the artefacts that are asked for and what they need, in the plan's order; all where nothing is asked for.

    Raises BadRequest on one that is not in the plan.
    """
    if not wanted:
        return tuple(jobs)
    kept = {job.key for job in jobs if any(_is_meant(one, job.key) for one in wanted)}
    if absent := [one for one in wanted if not any(_is_meant(one, key) for key in kept)]:
        name = f"{absent[0].stage}.{absent[0].variant}".rstrip(".")
        raise BadRequest(f"{name!r} is not in this plan.", f"Add --also {name}, or leave it out.")
    for job in reversed(jobs):  # whatever needs a job stands after it
        if job.key in kept:
            kept |= set(job.needs)
    return tuple(job for job in jobs if job.key in kept)


def _is_meant(wanted: Extra, key: Key) -> bool:
    return (wanted.stage, wanted.variant) == (key.stage, key.variant) and wanted.task in ("", key.run.task)


def require_optional(verbs: Collection[str]) -> None:
    """Raises BadRequest where a verb is no stage's, or one that everything builds on."""
    optional = [stage.verb for stage in computed() if stage.optional]
    if unknown := sorted(set(verbs) - set(optional)):
        raise BadRequest(f"There is no stage {unknown[0]!r} to leave out.", f"Stages: {', '.join(optional)}.")


def _of_stage(stage: Stage, runs: Sequence[Run], more: Sequence[str], train_file: str) -> Iterator[Job]:
    file = train_file if "train_file" in {option.name for option in stage.options} else ""
    for run in runs:
        for variant in dict.fromkeys((*stage.variants, *more)):
            needs = [*_keys(run, stage.needed_by(variant))]
            needs += [key for other in runs for key in _keys(other, stage.needs_of_all_seeds)]
            after = tuple(_keys(run, stage.reads_if_there))
            yield Job(Key(run, stage.name, variant), tuple(dict.fromkeys(needs)), run.seed, file, after)
    first = runs[0]
    for variant in stage.over_seeds:
        key = Key(replace(first, seed=ALL_SEEDS), stage.name, variant)
        yield Job(key, tuple(_keys(first, stage.needed_by(variant))), first.seed, file)


def _keys(run: Run, names: Sequence[str]) -> Iterator[Key]:
    for name in names:
        stage, _, variant = name.partition(".")
        yield Key(run, stage, variant)


def without_orphans(jobs: Sequence[Job], left_out: Collection[Key]) -> list[Job]:
    """Drops the artefacts that are left out, and whatever needs one of them, itself or through others."""
    dropped = set(left_out)
    kept = []
    for job in jobs:  # the register lists each stage after those that it builds on
        if job.key in dropped or any(key in dropped for key in job.needs):
            dropped.add(job.key)
        else:
            kept.append(job)
    return kept
