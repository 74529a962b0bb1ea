"""A pruned checkpoint as a folder that plain transformers loads: full shape, what is pruned set to zero.

transformers 5 cannot load a BERT whose layers differ in width (it has no `prune_heads`), so nothing is cut away here:
`surgery.cut` does that, for models that stay in this program.
"""

from __future__ import annotations

import copy
import json
import os
import zipfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError
from transformers import BertForSequenceClassification

from explorer.bert.checkpoints import Classifier
from explorer.bert.gates import encoder_layers
from explorer.errors import BadRequest
from explorer.glue.tasks import Task
from explorer.mask import Mask
from explorer.store.mask_files import json_text, npy_files
from explorer.store.whole_folders import written_aside


def zeroed(classifier: Classifier, mask: Mask) -> BertForSequenceClassification:
    """Copies the model in its full shape with pruned weights at zero, so that it gives the logits of the gated model.

    Of a pruned head the rows of query, key and value are 0, with their biases, and the columns of
    `attention.output.dense`, whose bias stays. Of a pruned MLP all weights and biases are 0: LayerNorm(x) is left.
    Raises BadMask on a mask for another model.
    """
    mask.check_fits(classifier.n_layers, classifier.n_heads)
    model = copy.deepcopy(classifier.model)
    with torch.no_grad():
        for number, layer in enumerate(encoder_layers(model)):
            attention = layer.attention.self
            off = torch.from_numpy(~mask.heads[number]).repeat_interleave(attention.attention_head_size)  # (H * d,)
            for linear in (attention.query, attention.key, attention.value):
                linear.weight[off] = 0
                linear.bias[off] = 0
            layer.attention.output.dense.weight[:, off] = 0
            if not mask.mlps[number]:
                for linear in (layer.intermediate.dense, layer.output.dense):
                    linear.weight.zero_()
                    linear.bias.zero_()
    return model.eval()


def write_folder(
    classifier: Classifier, mask: Mask, task: Task, folder: Path, about: Mapping[str, Any] | None = None
) -> list[Path]:
    """Writes config.json, model.safetensors, the tokenizer, the mask (.npy and JSON) and a README; returns the files.

    A reader finds the folder whole or not at all. about: what README and mask.json say of where it comes from. Raises
    BadRequest where the folder holds something already or cannot be written, BadMask on a mask for another model.
    """
    model = zeroed(classifier, mask)
    names = dict(enumerate(task.label_names or (task.label_column if task.own else "similarity",)))
    model.config.update(
        {
            "architectures": ["BertForSequenceClassification"],
            "id2label": names,
            "label2id": {name: number for number, name in names.items()},
            "problem_type": "regression" if task.is_regression else "single_label_classification",
        }
    )
    told = {"model": classifier.name, "task": task.name, **(about or {})}
    if classifier.classes and classifier.classes.sentence:
        told["classes"] = (
            f"{', '.join(names.values())}. In the model that this one comes from: {classifier.classes.sentence}"
        )
    require_empty(folder)
    try:
        with nullcontext(folder) if _stays(folder) else written_aside(folder) as place:
            model.save_pretrained(place)
            classifier.tokenizer.save_pretrained(place)
            for name, data in npy_files(mask).items():
                (place / name).write_bytes(data)
            (place / "mask.json").write_text(json_text(mask, told), encoding="utf-8")
            (place / "README.md").write_text(_readme(classifier, mask, task, told), encoding="utf-8")
        return sorted(path for path in folder.iterdir() if path.is_file())
    except (OSError, SafetensorError) as error:
        why = getattr(error, "strerror", None) or error
        raise BadRequest(f"{folder} cannot be written ({why}).", "Make room, or name another folder.") from None


def require_empty(folder: Path) -> None:
    """Raises BadRequest where a folder holds something already, or is a file."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise BadRequest(f"{folder} holds something already.", "Name a folder that is empty or not there yet.")
    except OSError as error:
        raise BadRequest(f"{folder} cannot be written ({error.strerror}).", "Name another folder.") from None


def _stays(folder: Path) -> bool:
    """Whether no other folder can take its place: somebody is in it, or it is the root of a disk."""
    return folder.is_dir() and (os.path.ismount(folder) or folder.samefile(Path.cwd()))


def zip_folder(folder: Path, file: BinaryIO, name: str) -> None:
    """Writes the folder's files to an archive in which they lie in a folder called `name`."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{name}/{path.name}")


def _readme(classifier: Classifier, mask: Mask, task: Task, told: Mapping[str, Any]) -> str:
    heads, mlps = mask.heads.size, mask.mlps.size
    sizes = f"{mask.heads_kept} of {heads} heads and {mask.mlps_kept} of {mlps} MLPs"
    said = "\n".join(
        f"| {key} | {value if isinstance(value, str) else json.dumps(value)} |" for key, value in told.items()
    )
    texts = ", ".join(f'"{words}"' for words in ("A first sentence.", "A second one.")[: len(task.columns)])
    return f"""# {classifier.name}, fine-tuned on {task.name} and pruned: {sizes} are left

Made by the BERT Lottery Explorer, after Prasanna, Rogers and Rumshisky (2020), arXiv:2005.00561.

| | |
|---|---|
{said}
| mask | `{mask.code}` |

## Load it

Plain transformers loads it, without this project:

```python
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder = "."  # this folder
model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
tokenizer = AutoTokenizer.from_pretrained(folder)
model(**tokenizer({texts}, return_tensors="pt")).logits
```

## What is in it

The model has its full shape; what is pruned is zero. So its answers are those of the pruned model, and its size and
speed are those of the whole one: transformers cannot load layers of different widths. A pruned head's query, key and
value are 0 and its columns of `attention.output.dense` too (that layer's bias stays); a pruned MLP's weights and
biases are all 0. Keep fine-tuning it and the zeros fill up again, unless you mask them at each step.

`head_mask.npy` (layers x heads), `mlp_mask.npy` (layers) and `mask.json` say what is kept: 1 = kept.

In a checkout of the explorer, the same mask makes a model that is really smaller:

```python
from explorer.bert.checkpoints import load_finetuned
from explorer.bert.surgery import cut
{_task_import(task)}
from explorer.mask import Mask

mask = Mask.from_code("{mask.code}", {mask.n_layers}, {mask.n_heads})
small = cut(load_finetuned(folder, {_task_words(task)}), mask)
```
"""


def _task_import(task: Task) -> str:
    """The line that brings the task into a program: an own one lies in the bundle that it was exported from."""
    return (
        "from pathlib import Path\n\nfrom explorer.store.bundle import Bundle"
        if task.own
        else "from explorer.glue.tasks import TASKS"
    )


def _task_words(task: Task) -> str:
    return f'Bundle(Path("BUNDLE")).task("{task.name}")' if task.own else f'TASKS["{task.name}"]'
