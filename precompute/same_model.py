"""One name in a bundle is one model: a second one under it, or other weights in its place, are refused."""

from __future__ import annotations

from explorer.bert.identity import identity_of
from explorer.bert.model_identity import Identity
from explorer.bert.model_names import MINILM
from explorer.errors import BadRequest, ExplorerError
from precompute.options import Options


def require_same_model(options: Options) -> None:
    """Raises BadRequest where the bundle's runs of that name began with another model than the one that is asked for.

    Where the bundle's own name is asked for, with the model that lies now where it came from, as far as it still does.
    Reads each file of a model once while it stays as it is. Raises BadCheckpoint where there is no such model.
    """
    stored = options.bundle.base_of(options.run)
    if stored is None:
        return
    source = options.source
    if source == stored.source and _is_of_the_hub(stored):
        return  # a commit does not change
    try:
        now = identity_of(source)
    except ExplorerError:
        if source != options.model:  # gone meanwhile, and not asked for: what is there is all there is
            return
        raise
    if now.content != stored.content:
        raise _another(options, stored, now)


def _is_of_the_hub(model: Identity) -> bool:
    return model.source != MINILM and "/" in model.source and "@" in model.source and model.source[0] not in "/\\"


def _another(options: Options, stored: Identity, now: Identity) -> BadRequest:
    parts = ("weights", "config", "tokenizer")
    other = " and ".join(part for part in parts if getattr(stored, part) != getattr(now, part))
    name, root = options.run.model, options.bundle.root
    if now.source == stored.source:
        return BadRequest(
            f"{root}/{name} was made when {now.source} had another {other} than now.",
            f"Put those back, name another --bundle, or delete {root}/{name} to begin anew.",
        )
    return BadRequest(
        f"{root}/{name} was made from {stored.source}, and {now.source} is another model ({other}) of the same name.",
        f"Name another --bundle, or call the folder something else than {name!r}. To go on with the first: "
        f"--model {stored.source}.",
    )
