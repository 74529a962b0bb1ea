"""What a page is shown: the bundle as it is now, the run that the sidebar selects, and the other pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from explorer.glue.tasks import Task
from explorer.store.bundle import Bundle
from explorer.store.inventory import Inventory
from explorer.store.runs_of_task import in_paper_order
from explorer.store.schema import Key, Manifest, Run

Links = Mapping[str, st.Page]
"""Page name in small letters -> page, for links between pages; a page that is not there is not linked."""


@dataclass(frozen=True, eq=False)
class View:
    """Everything that a page is a function of, besides what the session remembers."""

    bundle: Bundle
    stamp: str
    """A text that changes whenever the bundle does; see `cached.stamp`."""
    manifests: Inventory
    """The manifests of every complete artefact of the bundle."""
    run: Run
    """The run that the sidebar selects."""
    links: Links = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The folder of the bundle."""
        return self.bundle.root

    def task(self, name: str = "") -> Task:
        """A task by the name that manifests have, by default the selected run's; raises BadBundle."""
        return self.bundle.task(name or self.run.task)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs of the selected model and task, one a seed, in the paper's order of seeds."""
        here = (self.run.model, self.run.task)
        return tuple(run for run in runs_of(self.manifests) if (run.model, run.task) == here)

    def has(self, key: Key) -> bool:
        """Whether the bundle holds this artefact, complete and of the checkpoint that its run has."""
        return key in self.manifests.by_key

    def has_stage(self, stage: str, model: str, task: str) -> bool:
        """Whether the bundle holds this stage for any seed and variant of a model and task."""
        return any((key.stage, key.run.model, key.run.task) == (stage, model, task) for key in self.manifests.by_key)


def runs_of(manifests: Sequence[Manifest]) -> list[Run]:
    """Every run that can be looked at, fine-tuned here or imported, in the paper's order of seeds."""
    shown = {manifest.key.run for manifest in manifests if manifest.stage in ("finetune", "published-masks")}
    return sorted(shown, key=lambda run: (run.model, run.task, in_paper_order(run.seed)))
