"""How long an artefact may take that was never made: from how much there is to compute, and from what was timed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from explorer.bert.stand_ins import SAMPLE
from explorer.store.model_shape import shape_in
from explorer.store.runs_of_task import TOGETHER
from explorer.store.schema import Key, Manifest, Run

RATE = 1.5e12
"""Examples x characters x parameters of a forward pass that two cores do in a second, as measured with MiniLM-L6."""
START = 8.0
"""Seconds until a command has imported torch and read a model."""
OPENED = (
    ("finetune", ""),
    ("structured", "together"),
    ("importance", "expected"),
    ("ablations", ""),
    ("subnetworks", ""),
)
"""What `open` makes, (stage, variant)."""
_LONGEST_READ = 550
"""Characters: 128 word pieces hold about as many, and no more of an example is read."""
_A_HEAD = 1.2
"""Seconds in which the maps of one head are classified, of all sentences that attention is measured on."""
_A_LAYER = 0.008
"""Seconds that a layer takes in a pass, however small it is."""
RIVALS = 20
"""Random masks that the stage transfer scores beside each ticket."""
LEARNT_STEPS, LEARNT_BATCH = 240, 32
"""Steps in which the stage constants learns, and examples a step."""
LEARNT_MASKS = 28
"""Masks that the stage constants scores with each of three in the place of what is off."""
NOT_TOLD = ("finetune", "retrained", "baseline")
"""Stages of which nothing is said: they go by what is trained on."""
_UNKNOWN = (100.0, 10_000_000)
"""Characters and parameters where a bundle does not say them: the run's own seconds then set the scale."""


@dataclass(frozen=True)
class Load:
    """What makes the stages of one run slow or fast."""

    examples: int
    """How many the dev set has."""
    characters: float
    """Mean of an example, of both texts of a pair."""
    layers: int
    heads: int
    """How many a layer has."""
    parameters: int
    """How many all heads and MLPs have together."""
    tickets: int = 1
    """Tasks that are pruned with the run's seed: the stage transfer scores the ticket of each."""

    @property
    def parts(self) -> int:
        """How many heads and MLPs there are."""
        return self.layers * (self.heads + 1)

    @property
    def a_pass(self) -> float:
        """Seconds of one forward pass over the dev set on two cores."""
        work = self.examples * min(self.characters, _LONGEST_READ) * self.parameters / RATE
        return work + _A_LAYER * self.layers


@dataclass(frozen=True)
class Estimate:
    """Seconds that something may take, and what that was reckoned from."""

    seconds: float
    basis: str
    """The end of a sentence: 'by …'."""

    def words(self) -> str:
        """Words it: 'about 3 min'.

        >>> Estimate(4, "").words(), Estimate(100, "").words(), Estimate(8000, "").words()
        ('a few seconds', 'about 2 min', 'about 2 h')
        """
        if self.seconds < 8:
            return "a few seconds"
        if self.seconds < 55:
            return f"about {round(self.seconds, -1):.0f} s"
        minutes = self.seconds / 60
        return f"about {max(1, round(minutes))} min" if minutes < 90 else f"about {round(minutes / 60)} h"


def layer_parameters(layers: int, hidden: int, intermediate: int) -> int:
    """Counts the weights of all heads and MLPs, biases left out."""
    return layers * (4 * hidden * hidden + 2 * hidden * intermediate)


def of_opening(load: Load, earlier: Iterable[Manifest] = ()) -> Estimate:
    """Estimates what `open` takes, from nothing. earlier: whatever was timed before, of any run that says its load."""
    ratio, runs = _ratio_of_runs(earlier)
    seconds = START + ratio * sum(_seconds(Key(Run("a", "b", 0), *one), load) for one in OPENED)
    basis = f"the number of examples, their length and the size of the model, {_timed(runs)}"
    return Estimate(seconds, basis)


def of_missing(keys: Sequence[Key], manifests: Iterable[Manifest]) -> Estimate | None:
    """Estimates what artefacts of one run take that are not made; None where the run or a stage is not known.

    manifests: of its bundle; what was timed of the run itself sets the scale. Of stages that train nothing is said.
    """
    if not keys:
        return None
    everything, run = list(manifests), keys[0].run
    own = [one for one in everything if (one.model, one.task) == (run.model, run.task)]
    load = next((found for one in own if (found := load_of(one))), None)
    if load is None:
        return None
    load = replace(load, tickets=_tickets(run, everything))
    ratio, timed = _ratio((one, load) for one in own)
    basis = "what was timed of this run" if timed else "the number of examples and the size of the model"
    of_masks = [reckoned(key, load) for key in keys if key.stage != "attention"]
    known = [ratio * one for one in of_masks if one is not None]
    if len(known) < len(of_masks):
        return None
    return Estimate(START + sum(known) + (len(keys) - len(known)) * _of_maps(load), basis)


def seconds_of(key: Key, manifests: Iterable[Manifest]) -> float | None:
    """Estimates the seconds of one artefact as `of_missing` does, without those of a start."""
    found = of_missing([key], manifests)
    return None if found is None else found.seconds - START


def reckoned(key: Key, load: Load) -> float | None:
    """Reckons the seconds of one artefact on two cores, without the start; None where it does not go by masks."""
    passes = _PASSES.get(key.stage)
    return None if passes is None else 0.2 + passes(key.variant, load) * load.a_pass


def loads_of(manifests: Iterable[Manifest]) -> Mapping[tuple[str, str], Load]:
    """Reads what the stages of each model and task have to compute, where any of its runs says so."""
    return {(one.model, one.task): found for one in manifests if (found := load_of(one))}


def load_of(finetuned: Manifest) -> Load | None:
    """Reads from a run's fine-tuning what its stages have to compute; None of any other artefact."""
    shape, data = shape_in(finetuned), finetuned.data.get("dev")
    if finetuned.stage != "finetune" or not shape or not data:
        return None
    told = finetuned.summary
    characters, parameters = told.get("characters", _UNKNOWN[0]), told.get("parameters", _UNKNOWN[1])
    return Load(int(data["n"]), float(characters), *shape, int(parameters))


def _ratio_of_runs(earlier: Iterable[Manifest]) -> tuple[float, int]:
    """Seconds that were taken over those reckoned, and of how many runs; of those on processors that say their load."""
    everything = list(earlier)
    loads = {
        one.key.run: found
        for one in everything
        if "parameters" in one.summary and "characters" in one.summary and (found := load_of(one))
    }
    ratio, many = _ratio((one, loads[one.key.run]) for one in everything if one.key.run in loads)
    return ratio, len(loads) if many else 0


def _ratio(timed: Iterable[tuple[Manifest, Load]]) -> tuple[float, int]:
    pairs = [
        (one.seconds, _seconds(one.key, load))
        for one, load in timed
        if one.stage in ("structured", "ablations", "subnetworks", "bank", "league", "magnitude")
        and one.device.startswith("cpu")
    ]
    reckoned = sum(seconds for _, seconds in pairs)
    if reckoned <= 0:
        return 1.0, 0
    return sum(seconds for seconds, _ in pairs) / reckoned, len(pairs)


def _timed(runs: int) -> str:
    if not runs:
        return "as two cores were measured once"
    return f"at the pace of {runs} run{'s' * (runs != 1)} that {'were' if runs != 1 else 'was'} opened here before"


def _seconds(key: Key, load: Load) -> float:
    return reckoned(key, load) or 0.0


def _tickets(run: Run, manifests: Iterable[Manifest]) -> int:
    return len({one.task for one in manifests if one.key == Key(Run(run.model, one.task, run.seed), *TOGETHER)}) or 1


def _of_maps(load: Load) -> float:
    """Attention is measured on the project's own sentences: it goes by the number of heads alone."""
    return _A_HEAD * load.layers * load.heads


def _of_pruning(variant: str, load: Load) -> float:
    steps = 10 + load.layers  # a tenth of the heads a step, one MLP a step
    return 4.0 * {"heads": 10, "mlps": load.layers}.get(variant, steps) * 0.6


def _of_mean_ablation(_variant: str, load: Load) -> float:
    """A path, every part off alone, twelve tickets, and the means."""
    return _of_pruning("together", load) + 0.55 * load.parts + 12 * 0.55 + SAMPLE / load.examples


def _of_learning(_variant: str, load: Load) -> float:
    """A step is a pass without a mask, and one with it and back, over training examples; then masks, as of a bank."""
    learnt = (4 * LEARNT_STEPS * LEARNT_BATCH + SAMPLE) / load.examples
    return learnt + 3 * 0.45 * LEARNT_MASKS


def _of_transfer(_variant: str, load: Load) -> float:
    """Nothing is shared by masks so far apart, near chance fp32 decides much, and tickets of one size share rivals."""
    return float(load.tickets * (1 + RIVALS))


_PASSES: Mapping[str, Callable[[str, Load], float]] = {
    "importance": lambda _variant, _load: 4.0,
    "structured": _of_pruning,
    "ablations": lambda _variant, load: 0.55 * (load.parts + load.layers),
    "bank": lambda _variant, _load: 450.0,
    "pairs": lambda _variant, load: 0.17 * load.parts * (load.parts + 1) / 2,
    "league": lambda _variant, load: 22 * 0.55 * load.parts,
    "magnitude": lambda variant, _load: 10.0 if variant == "good" else 1.5,
    "subnetworks": lambda _variant, _load: 2.0,
    "mean-ablated": _of_mean_ablation,
    "constants": _of_learning,
    "transfer": _of_transfer,
}
"""Forward passes over the dev set that a stage makes, about, of a variant: masks share what lies below their first
switch. A test finds every stage of the register here, or among those that go by something else."""
