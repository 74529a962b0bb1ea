"""What has to be made before an artefact can be: a command for it would be refused until then."""

from __future__ import annotations

from explorer.glue.tasks import TASKS
from explorer.store.bundle import Bundle
from explorer.store.inventory import Inventory
from explorer.store.runs_of_task import TOGETHER
from explorer.store.schema import Key, Run
from explorer.store.stages import stage_named
from explorer.store.task_tickets import tickets_by_task


def missing_ground(manifests: Inventory, key: Key) -> tuple[Key, ...]:
    """Lists the artefacts that one builds on and that are not there, in the order in which they are made.

    manifests: of the complete artefacts of its bundle. Raises BadBundle.
    """
    names = [name.partition(".") for name in stage_named(key.stage).needed_by(key.variant)]
    needed = [Key(key.run, stage, variant) for stage, _, variant in names]
    if key.stage == "transfer":
        needed += _ticket_of_another_task(manifests, key.run)
    return tuple(one for one in needed if one not in manifests.by_key)


def commands_to(bundle: Bundle, manifests: Inventory, key: Key) -> tuple[str, ...]:
    """Lists the commands that make an artefact, each to be run after the one before. Raises BadBundle."""
    return tuple(bundle.command_for(one) for one in (*missing_ground(manifests, key), key))


def _ticket_of_another_task(manifests: Inventory, run: Run) -> list[Key]:
    """What makes a ticket of the run's seed on another task, one that is fine-tuned before others; [] where one is."""
    tickets = tickets_by_task(manifests, run.model)
    if any(run.seed in of_seed for task, of_seed in tickets.items() if task != run.task):
        return []
    finetuned = [key.run for key in manifests.by_key if key.stage == "finetune" and key.run.model == run.model]
    others = [one for one in finetuned if one.seed == run.seed and one.task != run.task]
    others += [Run(run.model, task, run.seed) for task in TASKS if task != run.task]
    return [Key(others[0], "finetune"), Key(others[0], *TOGETHER)]
