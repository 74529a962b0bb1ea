"""A mask by the name of a ticket: the run's good, bad or random one, or its task's super ones."""

from __future__ import annotations

from explorer.errors import BadRequest
from explorer.store.runs_of_task import TOGETHER, current_artefact
from explorer.tickets.subnetworks import SUBNETWORK_KINDS
from precompute.options import Options
from precompute.same_model import require_same_model


def code_of(options: Options, mask: str) -> str:
    """Finds the code of a ticket of the run in the bundle; what is no ticket's name comes back as it is.

    A file or folder of such a name is ./good, so that what lies there changes no score. Raises BadBundle with the
    command that makes it where the bundle lacks it, BadRequest where it has no super ones or where the run began with
    another model than is asked for.
    """
    if mask not in SUBNETWORK_KINDS:
        return mask
    bundle = options.bundle
    require_same_model(options)
    if mask == "good":
        return str(current_artefact(bundle, options.key(*TOGETHER)).manifest.summary["ticket"])
    artefact = current_artefact(bundle, options.key("subnetworks"))
    for row in artefact.table.to_dict("records"):
        if row["kind"] == mask:
            return str(row["mask"])
    raise BadRequest(
        f"{artefact.manifest.key.path} has no {mask} ticket: that takes the pruning paths of two seeds or more.",
        f"Prune another seed of {options.task.name}, then: `{bundle.command_for(artefact.manifest.key)}`.",
    )
