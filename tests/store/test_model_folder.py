"""A model folder looked at without torch: what it is, and a sentence where it is none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import BadCheckpoint
from explorer.store.model_folder import HUB_ID, model_folder


def test_it_says_what_the_folder_holds(tiny_folder: Path, classifier) -> None:
    found = model_folder(tiny_folder)
    assert (found.n_layers, found.n_heads, found.hidden, found.n_outputs) == (3, 4, 16, 2)
    assert found.n_parameters == sum(parameter.numel() for parameter in classifier.model.parameters())


def test_it_needs_no_torch() -> None:
    program = "import sys; import explorer.store.model_folder; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def edit(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "There is no folder"),
    "no config": (lambda folder: (folder / "config.json").unlink(), "no readable config.json"),
    "another model": (edit(model_type="roberta"), "'roberta' model, not a BERT"),
    "no sizes": (edit(hidden_size="wide"), "does not say its sizes: hidden_size is 'wide'"),
    "odd heads": (edit(num_attention_heads=5), "5 heads in a width of 16"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "no .safetensors weights"),
    "truncated": (lambda folder: (folder / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{"), "cannot be read"),
    "fewer layers": (edit(num_hidden_layers=4), "have 3 layers; its config.json says 4"),
    "no tokenizer": (lambda folder: (folder / "vocab.txt").unlink(), "no usable tokenizer"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_is_wrong_is_a_sentence(tiny_folder: Path, tmp_path: Path, kind: str) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "model"))
    damage, says = DAMAGE[kind]
    damage(folder)
    with pytest.raises(BadCheckpoint, match=says):
        model_folder(folder)


def test_names_on_the_hub() -> None:
    assert HUB_ID.fullmatch("bert-base-uncased")
    assert HUB_ID.fullmatch("google/bert_uncased_L-4_H-256_A-4")
    for wrong in ("", "a b", "../x", "a/b/c", "<b>", "x; rm"):
        assert not HUB_ID.fullmatch(wrong)
