"""The trained classifier: attention maps → probabilities of the five classes → a name, or 'uncertain'."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from scipy.special import softmax

from explorer.arrays import Float64Array, FloatArray
from explorer.errors import BadCheckpoint, BadRequest
from explorer.patterns.classes import CLASSES, UNCERTAIN
from explorer.patterns.classifier.features import shows_nothing
from explorer.patterns.classifier.network import PatternNetwork, logits_of

FOLDER = Path(__file__).with_name("model")
WEIGHTS = "patterns.safetensors"
_FORMAT = 1


@dataclass(frozen=True)
class Calibration:
    """Temperature and threshold that turn logits into confidence; measured on maps of heads that the network did not
    see.
    """

    temperature: float
    """Logits are divided by it before the softmax."""
    threshold: float
    """Probability of the likeliest class below which no class is named."""


@dataclass(frozen=True, eq=False)
class PatternClassifier:
    """A network and its calibration; nothing writes to it."""

    network: PatternNetwork
    calibration: Calibration

    def classify(self, maps: Sequence[FloatArray]) -> Float64Array:
        """Probabilities (m, 5), columns as CLASSES, of maps (T, T) of any sizes, raw or norm-weighted.

        A map on which nothing can be seen (T < 3, or zeros only, as of a head that is off) gets 1/5 each, so
        that its name is 'uncertain'. Raises BadRequest on NaN, negative weights and maps that are not square.
        """
        out = np.full((len(maps), len(CLASSES)), 1 / len(CLASSES))
        shown = [k for k, weights in enumerate(maps) if not shows_nothing(weights)]
        logits = logits_of(self.network, [maps[k] for k in shown])
        out[shown] = softmax(logits / self.calibration.temperature, axis=1)
        return out


def name_of(probabilities: FloatArray, threshold: float) -> str:
    """The likeliest of CLASSES, or 'uncertain' where its probability is below the threshold or undefined.

    probabilities: (5,). Raises BadRequest on another shape.
    """
    row = np.asarray(probabilities, np.float64)
    if row.shape != (len(CLASSES),):
        raise BadRequest(f"Probabilities of shape {row.shape} are not those of {len(CLASSES)} classes.")
    if not np.isfinite(row).all() or row.max() < threshold or np.ptp(row) == 0:
        return UNCERTAIN
    return CLASSES[int(row.argmax())]


def save(classifier: PatternClassifier, folder: Path, about: dict[str, str]) -> Path:
    """Writes the weights in half precision with the calibration and what it was made from as metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in classifier.network.state_dict().items()
    }
    words = {"format": str(_FORMAT), "classes": json.dumps(CLASSES)}
    words |= {name: repr(value) for name, value in asdict(classifier.calibration).items()}
    path = folder / WEIGHTS
    save_file(tensors, path, metadata=words | about)
    return path


@cache
def load(folder: Path = FOLDER) -> PatternClassifier:
    """The classifier that ships, or another folder's; raises BadCheckpoint on files that are missing or altered."""
    path = folder / WEIGHTS
    mend = "Restore it with `git checkout explorer/patterns`, or train it: `python -m precompute patterns train`."
    if not path.is_file():
        raise BadCheckpoint(f"The pattern classifier {path.name} is missing in {folder}.", mend)
    try:
        with safe_open(path, framework="pt") as file:
            words = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (safe_open is no mapping)
        if words.get("format") != str(_FORMAT) or json.loads(words["classes"]) != list(CLASSES):
            raise BadCheckpoint(f"{path.name} was made for another version of the explorer.", mend)
        calibration = Calibration(float(words["temperature"]), float(words["threshold"]))
        network = PatternNetwork()
        network.load_state_dict({name: v.float() if v.is_floating_point() else v for name, v in state.items()})
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise BadCheckpoint(f"{path.name} cannot be read ({type(error).__name__}).", mend) from None
    return PatternClassifier(network.eval(), calibration)
