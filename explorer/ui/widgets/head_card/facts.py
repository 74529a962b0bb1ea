"""What a bundle knows of one head or MLP, in the words of its card."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping

from explorer.errors import ExplorerError
from explorer.figures.attention import INK, thumbnails
from explorer.figures.signed import signed
from explorer.figures.worth import worth_words
from explorer.mask import Mask
from explorer.patterns.classes import UNCERTAIN
from explorer.store.schema import Key
from explorer.store.task_tickets import shape_of, tickets_by_task
from explorer.ui import cached, state
from explorer.ui.view import View
from explorer.ui.widgets import overlay_picker
from explorer.ui.widgets.part import Part, component_of
from explorer.ui.widgets.words import minus, model_name

NOT_HERE = "not in this bundle"
_THUMBNAIL = 40


def facts_of(view: View, part: Part) -> dict[str, object]:
    """Everything that the card of this part says of the selected run, fit for JSON.

    What the bundle does not hold is named as missing.
    """
    run, shape = view.run, shape_of(view.manifests, view.run)
    computed = view.has(Key(run, "finetune"))
    says = [("Class", _class(view, part))] if part.head is not None else []
    if computed:
        says += [("Alone off", _cost(view, part)), ("Importance", _importance(view, part))]
        says += [("Worth", worth)] if (worth := _worth(view, part)) else []
    else:
        says += [("Alone off", "not known: this model is imported as masks, without weights")]
    return {
        "code": part.code,
        "of": f"{model_name(run.model)} on {run.task}, seed {run.seed}",
        "map": _map(view, part) if part.head is not None else None,
        "says": says,
        "survival": _survival(view, part),
        "actions": _actions(view, part, state.mask_of(run, shape) if computed else None),
    }


def _class(view: View, part: Part) -> str:
    try:
        table = cached.artefact(view, Key(view.run, "attention", "finetuned")).table
        mine = table[(table["kind"] == "raw") & (table["layer"] == part.layer) & (table["head"] == part.head)].iloc[0]
        pattern, n = str(mine["pattern"]), int(mine["n"])
        share = mine["confidence"] if pattern == UNCERTAIN else mine[f"share_{pattern}"]
    except (ExplorerError, KeyError, IndexError):
        return NOT_HERE
    if pattern == UNCERTAIN:
        return f"uncertain over {n} sentences (the likeliest class: {share:.0%})"
    return f"{pattern} in {share:.0%} of {n} sentences"


def _map(view: View, part: Part) -> Mapping[str, object] | None:
    try:
        sample = cached.attention_samples(view, Key(view.run, "attention", "finetuned"))[0]
        own = sample.maps.raw[part.layer, part.head][None, None]
    except (ExplorerError, IndexError):
        return None
    small = thumbnails(own, _THUMBNAIL)
    return {
        "size": small.shape[-1],
        "pixels": base64.b64encode(small.tobytes()).decode(),
        "ink": INK,
        "words": f"Attention on “{' / '.join(sample.texts)}”: a row reads, a column is read",
    }


def _cost(view: View, part: Part) -> str:
    """The score without this part alone, and its paired difference from the full model's."""
    run = view.run
    known = cached.known(view, run)
    code = part.switched(known.full.mask, False).code
    if code not in known.by_code:
        return NOT_HERE
    found = cached.stored_comparison(view, run, code)
    metric, score, change = view.task(run.task).metric_words, found.score.value, found.difference
    if found.same:
        return minus(f"{metric} {score:.3f}: every answer stays the same")
    if math.isnan(score):
        return f"{metric} undefined"
    noise = ", within noise" if change.within_noise else ""
    span = "" if math.isnan(change.low) else f" [{signed(change.low)}, {signed(change.high)}]"
    return minus(f"{metric} {score:.3f} ({signed(change.difference)}{span}{noise})")


def _importance(view: View, part: Part) -> str:
    cells = overlay_picker.overlays_of(view, cached.known(view, view.run)).by_name.get("importance")
    if cells is None:
        return NOT_HERE
    words = cells.mlp_words[part.layer] if part.head is None else cells.head_words[part.layer, part.head]
    return str(words).removeprefix("Importance ") or NOT_HERE


def _worth(view: View, part: Part) -> str:
    """Words what the part is worth over random masks; '' where the bundle has none of this run, or too few."""
    run, shape = view.run, shape_of(view.manifests, view.run)
    if not view.has(Key(run, "bank")):
        return ""
    try:
        of = cached.parts_worth(view, run, shape)
    except ExplorerError:
        return ""
    return minus(worth_words(of, component_of(part, shape), view.task(run.task).metric_words))


def _survival(view: View, part: Part) -> list[dict[str, object]]:
    """A row a task whose seeds were pruned, the selected one first."""
    rows = tickets_by_task(view.manifests, view.run.model)
    order = sorted(rows, key=lambda task: task != view.run.task)
    return [
        {
            "task": task,
            "own": task == view.run.task,
            "seeds": [[str(seed), part.kept_in(mask)] for seed, mask in rows[task].items()],
        }
        for task in order
    ]


def _actions(view: View, part: Part, mask: Mask | None) -> list[tuple[str, str]]:
    """(name, label) of what can be done with it here."""
    found = []
    if mask is not None and "lab" in view.links:
        on = part.kept_in(mask)  # as the page ran; the name says what the button does, whatever is clicked since
        found.append(("off", "Switch off in the lab") if on else ("on", "Switch on in the lab"))
    maps = view.has(Key(view.run, "attention", "finetuned")) or view.has(Key(view.run, "attention", "pretrained"))
    if part.head is not None and maps and "patterns" in view.links:
        found.append(("patterns", "See its map"))
    if "survival" in view.links:
        found.append(("survival", "Show in Survival"))
    return found
