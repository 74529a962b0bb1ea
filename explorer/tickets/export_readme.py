"""The README of an exported model: how it was made, what is smaller and what only zero, and its proof."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from explorer.bert.checkpoints import Classifier
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.tickets.export_proof import Proof


def readme(
    classifier: Classifier,
    mask: Mask,
    task: Task,
    told: Mapping[str, Any],
    proof: Proof,
    size: tuple[int, int],
    became: tuple[str, str],
    loader: str,
) -> str:
    """Writes the README. size: parameters left and before; became: what is smaller and what is only zero, in words.

    loader: 'transformers-5', 'transformers-4' or the file name of an ONNX graph.
    """
    heads, mlps = mask.heads.size, mask.mlps.size
    sizes = f"{mask.heads_kept} of {heads} heads and {mask.mlps_kept} of {mlps} MLPs"
    rows = {key: value if isinstance(value, str) else json.dumps(value) for key, value in told.items()}
    if (score := proof.score) is not None:
        interval = score.undefined or f"{score.low:.4f} to {score.high:.4f}, {score.method}"
        rows["score"] = f"{score.metric} {score.value:.4f} ({interval}), n = {score.n}, {proof.data}"
    said = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    less, zero = became
    left, whole = size
    return f"""# {classifier.name}, fine-tuned on {task.name} and pruned: {sizes} are left

Made by the BERT Lottery Explorer, after Prasanna, Rogers and Rumshisky (2020), arXiv:2005.00561.

| | |
|---|---|
{said}
| mask | `{mask.code}` |

## Proof

{proof.sentence}.

`check.json` holds eight sentences of the explorer's own with the logits that this folder gave; the code below compares.

## What is smaller, and what is only zero

{left:,} of {whole:,} parameters are stored.

- Really smaller: {less or "nothing"}.
- Only zero, as large and as slow as before: {zero or "nothing"}.

{_SHAPES if loader.startswith("transformers") else _GRAPH}
`head_mask.npy` (layers x heads), `mlp_mask.npy` (layers) and `mask.json` say what is kept: 1 = kept.

## Load it

{_load(loader)}
{_cut(mask, task) if loader == "transformers-5" else ""}"""


_SHAPES = """A BERT of transformers has one number of heads and one width of the MLPs for all layers, and its layers
add a bias and LayerNorms even where heads and MLP are gone, so that no layer can be left out. A pruned head's query,
key and value are 0 and its columns of `attention.output.dense` too (that layer's bias stays); a pruned MLP's weights
and biases are all 0. Keep fine-tuning it: a pruned head stays 0, since its gradients are; an MLP's output bias fills up
again unless you mask it at each step.
"""
_GRAPH = """What is pruned is not in the graph. A layer whose heads and MLP are gone still adds a bias and has its
LayerNorms, as in the gated model. The graph is for inference: `config.json` has the sizes of the whole model.
"""
_COMPARE = """for one in json.loads(Path(folder, "check.json").read_text(encoding="utf-8")):
    inputs = tokenizer(*one["texts"], return_tensors="RETURN")
    found = LOGITS
    assert abs(found - one["logits"]).max() < 1e-4
"""


def _load(loader: str) -> str:
    if not loader.startswith("transformers"):
        compare = _COMPARE.replace("RETURN", "np").replace("LOGITS", 'session.run(["logits"], dict(inputs))[0][0]')
        return f"""ONNX Runtime runs it, with the tokenizer of transformers, without this project:

```python
import json
from pathlib import Path

import onnxruntime
from transformers import AutoTokenizer

folder = "."  # this folder
session = onnxruntime.InferenceSession(f"{{folder}}/{loader}")
tokenizer = AutoTokenizer.from_pretrained(folder)
{compare}```
"""
    version = "transformers 4 and 5 load" if loader == "transformers-5" else "transformers 4 loads"
    note = "" if loader == "transformers-5" else " (transformers 5 has no `pruned_heads` and cannot)"
    compare = _COMPARE.replace("RETURN", "pt").replace("LOGITS", "model(**inputs).logits[0].detach().numpy()")
    return f"""Plain {version} it{note}, without this project:

```python
import json
from pathlib import Path

from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder = "."  # this folder
model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
tokenizer = AutoTokenizer.from_pretrained(folder)
{compare}```
"""


def _cut(mask: Mask, task: Task) -> str:
    found, needs = f'TASKS["{task.name}"]', "from explorer.glue.tasks import TASKS"
    if task.own:  # it lies in the bundle that the model was exported from
        found = f'Bundle(Path("BUNDLE")).task("{task.name}")'
        needs = "from pathlib import Path\n\nfrom explorer.store.bundle import Bundle"
    return f"""
In a checkout of the explorer, the same mask makes a model that is smaller in every layer:

```python
from explorer.bert.checkpoints import load_finetuned
from explorer.bert.surgery import cut
{needs}
from explorer.mask import Mask

mask = Mask.from_code("{mask.code}", {mask.n_layers}, {mask.n_heads})
small = cut(load_finetuned(folder, {found}), mask)
```
"""
