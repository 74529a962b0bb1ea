"""Where a page's numbers come from, in sentences that go with a figure into a paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from explorer.store.paper.importer import REPOSITORY
from explorer.store.schema import ALL_SEEDS, PUBLISHED_STAGES, Key, Manifest, Run

PAPER = "Prasanna, Rogers and Rumshisky (2020), When BERT Plays the Lottery, All Tickets Are Winning, arXiv:2005.00561"
_SAID = ("python", "torch", "transformers")


def origin_lines(manifests: Sequence[Manifest], run: Run, link: str, *, now: datetime | None = None) -> tuple[str, ...]:
    """Program, link, data, checkpoints and how to make it again, for the run's task: its own seed first."""
    when = now or datetime.now(UTC)
    lines = [f"BERT Lottery Explorer, {when.day} {when:%B %Y}, after {PAPER}."]
    if link:
        lines.append(f"This view: {link}")
    own = [manifest for manifest in manifests if (manifest.model, manifest.task) == (run.model, run.task)]
    finetuned = sorted(
        (manifest for manifest in own if manifest.stage == "finetune"), key=lambda one: (one.seed != run.seed, one.seed)
    )
    if any(manifest.stage in PUBLISHED_STAGES for manifest in own):
        lines.append(f"{run.model} on {run.task}: imported from the authors' files, {REPOSITORY}.")
    if finetuned:
        dev = finetuned[0].data.get("dev", {})
        if dev:
            lines.append(f"Dev set: {dev['n']:,} examples of {run.task} ({dev['source']}), sha256 {dev['sha256']}.")
        seeds = ", ".join(f"{one.seed} {one.checkpoint_sha256[:12]}" for one in finetuned)
        lines.append(f"Checkpoints of {run.model} (fine-tuning seed, sha256): {seeds}.")
        first = finetuned[0]
        said = ", ".join(f"{name} {first.versions.get(name, '?')}" for name in _SAID)
        lines.append(f"Made with `{first.command}` and what follows it, {first.device}, {said}.")
    stages = sorted({_name(one.key) for one in own if one.seed in (run.seed, ALL_SEEDS) and one.stage != "finetune"})
    if stages:
        lines.append(f"Stored for seed {run.seed}: {', '.join(stages)}.")
    return tuple(lines)


def _name(key: Key) -> str:
    return f"{key.stage} {key.variant}".strip()
