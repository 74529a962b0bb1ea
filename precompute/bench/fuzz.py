"""Hostile inputs by the thousand: each is read as it was meant, or refused with a sentence.

A traceback is any error but an ExplorerError. A silent wrong number is an input that was changed, was taken all the
same, and then reads otherwise than the plain reading of what it holds.
"""

from __future__ import annotations

import io
import json
import tempfile
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from explorer.bert.class_order import class_order
from explorer.bert.model_config import read_config
from explorer.bert.packing import pack, read_packed, require_fits
from explorer.errors import ExplorerError
from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.link_fingerprint import read_fingerprint
from explorer.store.mask_files import json_text, npy_files, read_mask, zipped
from explorer.store.schema import Manifest, Run, manifest_from_json

L, H = 3, 4
_SPLICES = (
    b"", b"\0", b"-1", b"9" * 400, b"9" * 5000, b"1e999", b"NaN", b"null", b"[" * 20_000, b"{\"a\":" * 3000, b"../",
    b"\xff\xfe", b"\t", b"\n", b"\"", b"![x](http://evil.example)", "\u0663".encode(), "\u00b2".encode(), b"true",
)  # fmt: skip


@dataclass
class Tally:
    """What became of the inputs; filled in while they are tried."""

    inputs: int = 0
    refused: int = 0
    tracebacks: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    by_kind: Counter[str] = field(default_factory=Counter)

    def sentence(self) -> str:
        """Words the outcome in a line."""
        return (
            f"{self.inputs:,} fuzzed inputs give {len(self.tracebacks)} tracebacks, {len(self.wrong)} silent wrong "
            f"numbers ({self.refused:,} refused with a sentence)"
        )


Target = Callable[[np.random.Generator, Path], str]
"""Tries one input; returns what was silently wrong with it, else ''."""


def fuzz(inputs: int, seed: int = 0) -> Tally:
    """Tries so many inputs, of each kind in turn, drawn from the seed."""
    tally, rng = Tally(), np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="bert-lottery-fuzz-") as folder:
        for number in range(inputs):
            name, target = TARGETS[number % len(TARGETS)]
            tally.inputs += 1
            tally.by_kind[name] += 1
            try:
                if wrong := target(rng, Path(folder)):
                    tally.wrong.append(f"{name}: {wrong}")
            except ExplorerError as error:
                tally.refused += 1
                if not str(error).strip():
                    tally.tracebacks.append(f"{name}: an error without a sentence")
            except Exception:
                tally.tracebacks.append(f"{name}: {traceback.format_exc(limit=-3)}")
    return tally


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one to three changes: a bit, a cut, a piece doubled, a hostile piece put in."""
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(0, len(data) + 1))
        end = min(len(data), at + int(rng.integers(1, 9)))
        how = int(rng.integers(0, 5))
        if how == 0 and data[at:end]:
            data = data[:at] + bytes([data[at] ^ (1 << int(rng.integers(0, 8)))]) + data[at + 1 :]
        elif how == 1:
            data = data[:at] + data[end:]
        elif how == 2:
            data = data[:end] + data[at:]
        elif how == 3:
            data = data[:at]
        else:
            data = data[:at] + _SPLICES[int(rng.integers(0, len(_SPLICES)))] + data[end:]
    return data


def _mask(rng: np.random.Generator) -> Mask:
    return Mask(rng.integers(0, 2, (L, H)) == 1, rng.integers(0, 2, L) == 1)


def _link(rng: np.random.Generator, _folder: Path) -> str:
    code = mutated(_mask(rng).code.encode(), rng).decode("utf-8", "replace")
    read_fingerprint(code)
    return "" if Mask.from_code(code, L, H).code == code else f"{code!r} is read as another mask"


def _mask_file(rng: np.random.Generator, _folder: Path) -> str:
    mask = _mask(rng)
    kinds = {**npy_files(mask), "mask.json": json_text(mask).encode(), "masks.zip": zipped(mask, Run("m", "MRPC", 1))}
    name = str(rng.choice(sorted(kinds)))
    data = mutated(kinds[name], rng)
    read = read_mask({name: data}, L, H)
    if name.endswith(".npy"):
        plain = np.load(io.BytesIO(data), allow_pickle=False)
    elif name.endswith(".json"):
        plain = np.asarray(json.loads(data).get("head_mask", np.ones((L, H))))
    else:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = [one for one in archive.namelist() if one.endswith("head_mask.npy")]
            plain = np.load(io.BytesIO(archive.read(found[0]))) if found else read.heads
    part = read.heads if plain.ndim == 2 else read.mlps
    return "" if np.array_equal(part, plain) else f"{name} is read as another mask"


_DEV = b"Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n" + b"".join(
    f"{n % 2}\t{n}\t{n}\tIt is number {n} .\tThe number is {n} .\n".encode() for n in range(6)
)
_SIMILAR = b"index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n" + b"".join(
    f"{n}\tg\tf\t2012\t{n}\ta\tb\tIt is number {n} .\tThe number is {n} .\t{n}.{n}00\n".encode() for n in range(5)
)


def _tsv(rng: np.random.Generator, folder: Path) -> str:
    name, text = [("MRPC", _DEV), ("STS-B", _SIMILAR)][int(rng.integers(0, 2))]
    task, data = TASKS[name], mutated(text, rng)
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "dev.tsv").write_bytes(data)
    read = folder_examples(folder, task, "dev")
    header, *lines = data.decode("utf-8-sig").rstrip().split("\n")
    at = header.rstrip("\r").split("\t").index(task.label_column)
    plain = [float(line.rstrip("\r").split("\t")[at]) for line in lines]
    return "" if [one.label for one in read.items] == plain else f"{name}/dev.tsv has other labels than its lines"


_CONFIG = {"model_type": "bert", "num_hidden_layers": L, "num_attention_heads": H, "hidden_size": 16} | {
    "id2label": {"0": "different", "1": "paraphrase"},
    "architectures": ["BertForSequenceClassification"],
}


def _config(rng: np.random.Generator, folder: Path) -> str:
    (folder / "config.json").write_bytes(data := mutated(json.dumps(_CONFIG).encode(), rng))
    read = read_config(folder)
    class_order(read.raw, 2, TASKS["MRPC"], "the model")
    return "" if read.n_layers == json.loads(data).get("num_hidden_layers", 12) else "config.json has other sizes"


def _packed(rng: np.random.Generator, folder: Path) -> str:
    weights = {"classifier.weight": np.ones((2, 16), np.float32), "classifier.bias": np.zeros(2, np.float32)}
    weights["bert.pooler.dense.weight"] = rng.normal(size=(16, 16)).astype(np.float32)
    base = {"bert.pooler.dense.weight": np.zeros((16, 16), np.float32)}
    data = pack(base, weights, base_name="minilm", base_sha256="b" * 64, about={"task": "MRPC"})
    path = folder / "checkpoint.safetensors"
    path.write_bytes(changed := mutated(data, rng))
    packed = read_packed(path)
    require_fits(packed, {name: weight.shape for name, weight in base.items()})
    return "" if changed == data or packed.sha256 != _sha256(data) else "other weights under the same hash"


def _sha256(data: bytes) -> str:
    from explorer.store.bundle import sha256_of

    return sha256_of(data)


_MANIFEST = Manifest(
    model="m", task="MRPC", seed=1, stage="finetune", variant="", command="c", config={"shape": [L, H]},
    versions={"python": "3"}, data={"dev": {"source": "s", "n": 6, "sha256": "d"}}, checkpoint_sha256="c", device="cpu",
    seconds=1.0, created="2026-01-01", summary={"score": 0.5},
)  # fmt: skip


def _manifest(rng: np.random.Generator, _folder: Path) -> str:
    data = mutated(_MANIFEST.to_json().encode(), rng)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""  # refused before it is parsed
    read = manifest_from_json(text, "manifest.json")
    return "" if read.seconds == json.loads(text)["seconds"] else "the manifest is read as another"


TARGETS: Sequence[tuple[str, Target]] = (
    ("link", _link),
    ("mask file", _mask_file),
    ("TSV", _tsv),
    ("config.json", _config),
    ("packed checkpoint", _packed),
    ("manifest", _manifest),
)
"""Kinds of input, tried in turn."""
