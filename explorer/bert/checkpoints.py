"""Loads any BERT-architecture sequence classifier: the pip-installed MiniLM, a folder, a Hub id or a packed file.

What is the model and whether it is one is decided by `model_folder`, which classes its outputs are by `class_order`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, PreTrainedTokenizerBase

from explorer.bert.class_order import ClassOrder, own_order
from explorer.bert.gone_heads import in_full_shape
from explorer.bert.identity import Identity, identity_of_folder
from explorer.bert.letter_case import lower_case
from explorer.bert.model_config import ModelConfig
from explorer.bert.model_folder import (
    CLASSIFIER_WEIGHTS,
    POOLER_WEIGHTS,
    ModelFolder,
    classes_for,
    finetune_command,
    largest_token,
    model_folder,
    too_large_a_tokenizer,
)
from explorer.bert.model_names import MINILM, name_in_bundle
from explorer.bert.model_source import Resolved, is_packed_file, minilm_folder, resolve
from explorer.bert.packing import Weights, how_to_mend, read_packed, unpack
from explorer.bert.tokenizer_file import require_same_word_pieces
from explorer.errors import BadCheckpoint
from explorer.glue.tasks import Task
from explorer.mask import Mask, without_heads
from explorer.paths import expanded

_CLASSIFIER_STD = 0.02
"""BERT's initializer_range, with which the paper's code draws a new classifier."""


@dataclass(frozen=True)
class Classifier:
    """A BERT sequence classifier in eval mode, frozen. Nobody writes to its weights: copy it to train."""

    model: BertForSequenceClassification
    tokenizer: PreTrainedTokenizerBase
    name: str
    """Name of the pre-trained model, as in bundle paths: 'minilm-l6', 'bert-base-uncased'."""
    source: str
    """What was asked for: 'minilm', a Hub id, a folder or a packed file."""
    sha256: str
    """Hash of the file that holds the weights, to which every cached number is tied."""
    classes: ClassOrder | None = None
    """How its outputs became the classes of the task; None where it was not loaded for one."""
    notes: tuple[str, ...] = ()
    """Sentences on what the loader accepted that is not as usual; empty when all is."""
    gone: tuple[tuple[int, int], ...] = ()
    """Layer and head (from 0) of each head that was cut out of it before it came here; its weights are zero."""
    identity: Identity | None = None
    """What tells it from every other model; None for weights that lie in no file."""

    @property
    def n_layers(self) -> int:
        """L."""
        return int(self.model.config.num_hidden_layers)

    @property
    def n_heads(self) -> int:
        """H, heads in one layer."""
        return int(self.model.config.num_attention_heads)

    @property
    def full_mask(self) -> Mask:
        """The mask that keeps all that the model has: everything but the heads that are gone."""
        return without_heads(self.n_layers, self.n_heads, self.gone)

    @property
    def n_outputs(self) -> int:
        """Logits per example."""
        return int(self.model.classifier.out_features)


def load_pretrained(source: str, task: Task, seed: int) -> Classifier:
    """Loads a pre-trained encoder and gives it a new classifier for the task, drawn from N(0, 0.02) with the seed.

    A fine-tuned model is taken for its encoder. Raises BadCheckpoint as load_finetuned does.

    >>> from explorer.glue.tasks import TASKS
    >>> minilm = load_pretrained("minilm", TASKS["MNLI"], seed=1337)
    >>> minilm.n_layers, minilm.n_heads, minilm.n_outputs
    (6, 12, 3)
    """
    where = resolve(source)
    found = model_folder(where.folder)
    state = {name: tensor for name, tensor in _read(found).items() if name not in CLASSIFIER_WEIGHTS}
    hidden = found.hidden
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn((task.n_outputs, hidden), generator=generator) * _CLASSIFIER_STD
    state |= dict(zip(CLASSIFIER_WEIGHTS, (drawn, torch.zeros(task.n_outputs)), strict=True))
    if POOLER_WEIGHTS[0] not in state:
        drawn = torch.randn((hidden, hidden), generator=generator) * _CLASSIFIER_STD
        state |= dict(zip(POOLER_WEIGHTS, (drawn, torch.zeros(hidden)), strict=True))
    return _assembled(source, where, found, task, state, own_order(task))


def load_finetuned(source: str, task: Task) -> Classifier:
    """Loads a fine-tuned classifier: a packed file, a Hugging Face folder or a Hub id.

    Its outputs are put into the task's order where their names tell; `classes` says how. Raises BadCheckpoint where it
    is missing, damaged, not a BERT, holds anything that would be left out, or was fine-tuned for other classes: a
    sentence for each is in docs/TRUST.md.

    >>> from explorer.glue.tasks import TASKS
    >>> mnli = load_finetuned("path/to/an-mnli-model", TASKS["MNLI"])  # doctest: +SKIP
    >>> mnli.classes.sentence  # doctest: +SKIP
    "Its outputs are named contradiction, entailment, neutral: they were put into the task's order (...)."
    """
    if is_packed_file(source):
        return _load_packed(expanded(source), task)
    if source == MINILM:
        raise BadCheckpoint(
            "'minilm' is the pre-trained model, without a classifier for a task.",
            f"Fine-tune it: `{finetune_command(source, task)}`.",
        )
    where = resolve(source)
    found = model_folder(where.folder)
    classes = classes_for(found, task, source)
    state = _read(found)
    if classes.is_permuted:
        rows = torch.tensor(classes.rows)
        state |= {name: state[name][rows] for name in CLASSIFIER_WEIGHTS}
    return _assembled(source, where, found, task, state, classes)


def with_weights(classifier: Classifier, weights: Weights, *, source: str, sha256: str) -> Classifier:
    """Copies a classifier with other weights in the same architecture; the given one stays as it is."""
    model = copy.deepcopy(classifier.model)
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
    identity = classifier.identity and replace(classifier.identity, source=source, weights=sha256)
    return replace(classifier, model=_frozen(model), source=source, sha256=sha256, identity=identity)


def weights_of(model: torch.nn.Module) -> Weights:
    """The model's weights as float32 arrays by name, copied."""
    return {name: tensor.detach().cpu().float().numpy().copy() for name, tensor in model.state_dict().items()}


def encoder_weights(classifier: Classifier) -> Weights:
    """The weights that a packed checkpoint is a change of: all but the classifier, which is new in every run."""
    return {k: v for k, v in weights_of(classifier.model).items() if not k.startswith("classifier.")}


def _load_packed(path: Path, task: Task) -> Classifier:
    if path.is_file() and (path.parent / "config.json").is_file():
        raise BadCheckpoint(f"{path} is the weights of a model folder.", f"Name the folder: {path.parent}.")
    packed = read_packed(path)
    if packed.about.get("task") != task.name:
        raise BadCheckpoint(
            f"{path} was fine-tuned for {packed.about.get('task')}, not for {task.name}.",
            "Name the task it belongs to, or another checkpoint.",
        )
    base = load_pretrained(packed.base, task, seed=0)
    if base.sha256 != packed.base_sha256:
        raise BadCheckpoint(
            f"{path} goes with another version of the base model {packed.base!r}.",
            f"Is another version of it installed? Else: {how_to_mend(path)}",
        )
    try:
        loaded = with_weights(base, unpack(packed, encoder_weights(base)), source=str(path), sha256=packed.sha256)
    except (RuntimeError, KeyError, ValueError) as error:
        raise BadCheckpoint(
            f"{path} does not fit its base model ({error}).",
            how_to_mend(path),
        ) from None
    return replace(loaded, identity=loaded.identity and replace(loaded.identity, source=str(path.resolve())))


def _assembled(
    source: str, where: Resolved, found: ModelFolder, task: Task, state: dict[str, torch.Tensor], classes: ClassOrder
) -> Classifier:
    model = _empty(found.config, task, found.folder)
    try:
        result = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise BadCheckpoint(f"The weights in {found.folder} do not fit its config.json ({error}).") from None
    if left := [*result.missing_keys, *result.unexpected_keys]:  # model_folder's list and transformers' differ
        raise BadCheckpoint(f"This version of transformers has another BERT: {left[0]!r}.", "Install the pinned one.")
    tokenizer = _tokenizer(found, task)
    identity, name = identity_of_folder(where), name_in_bundle(source)
    gone = found.config.gone
    return Classifier(_frozen(model), tokenizer, name, source, identity.weights, classes, found.notes, gone, identity)


def _empty(config: ModelConfig, task: Task, folder: Path) -> BertForSequenceClassification:
    try:
        ours: dict[str, Any] = {"num_labels": task.n_outputs, "attn_implementation": "sdpa"}
        made = BertConfig(**config.architecture, **ours)
        with torch.random.fork_rng(devices=[]):  # its random weights are all replaced; leave the caller's RNG alone
            return BertForSequenceClassification(made)
    except Exception as error:  # transformers and torch validate with errors of many types
        why = " ".join(str(error).split())[:200]
        raise BadCheckpoint(f"{folder}/config.json is not a BERT's ({why}).", "Copy the model again.") from None


def _read(found: ModelFolder) -> dict[str, torch.Tensor]:
    """The tensors of encoder and classifier in float32 and full shape, by BertForSequenceClassification's names."""
    state: dict[str, torch.Tensor] = {}
    for path in found.files.paths:
        try:
            with safe_open(path, "pt") as file:
                for name, header in found.files.tensors.items():
                    if header.file == path and name.startswith(("bert.", "classifier.")):
                        state[name] = file.get_tensor(header.stored_as)
        except (SafetensorError, OSError) as error:
            raise BadCheckpoint(f"{path} cannot be read ({error}).", "Is the file truncated? Copy it again.") from None
    state = {name: tensor.float() for name, tensor in state.items() if tensor.is_floating_point()}
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise BadCheckpoint(
                f"The weights in {found.folder} are not all finite numbers in float32: {name!r}.",
                "Did its training diverge? Give another checkpoint.",
            )
    return in_full_shape(state, found.config)


def _frozen(model: BertForSequenceClassification) -> BertForSequenceClassification:
    model.eval()
    model.requires_grad_(False)
    return model


def _tokenizer(found: ModelFolder, task: Task) -> PreTrainedTokenizerBase:
    """The folder's own, told how many word pieces the model reads; raises BadCheckpoint where the two do not fit."""
    folder = found.folder
    named: dict[str, Any] = {"tokenizer_class": found.config.raw.get("tokenizer_class")}
    case = lower_case(folder)
    asked: dict[str, Any] = {} if case is None or case.do is None else {"do_lower_case": case.do}
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder,
            config=BertConfig(**named),
            local_files_only=True,
            trust_remote_code=False,
            **asked,
        )
        vocabulary = tokenizer.get_vocab()
        pair = tokenizer("a", "a") if task.is_pair else tokenizer("a")
    except Exception as error:  # the tokenizers library raises bare Exceptions
        raise BadCheckpoint(
            f"{folder} has no usable tokenizer ({type(error).__name__}).", "It needs tokenizer.json or vocab.txt."
        ) from None
    require_same_word_pieces(folder, tokenizer)
    largest = max(vocabulary.values(), default=-1)
    if largest >= found.config.vocabulary:
        raise too_large_a_tokenizer(folder, largest, found.config.vocabulary)
    if largest < (largest_token(folder) or 0):
        raise BadCheckpoint(
            f"The tokenizer in {folder} knows {len(vocabulary)} word pieces; its files have more.",
            "Is the tokenizer_class in its tokenizer_config.json that of the model, e.g. BertTokenizer?",
        )
    types = max(pair.get("token_type_ids", [0]), default=0) + 1
    if types > found.config.token_types:
        raise BadCheckpoint(
            f"The tokenizer in {folder} tells {types} sentences of a pair apart; the model has "
            f"{found.config.token_types} token type (type_vocab_size).",
            f"It cannot read the pairs of {task.name} so. If it was trained without token types, say so in its "
            'tokenizer_config.json: "model_input_names": ["input_ids", "attention_mask"].',
        )
    tokenizer.model_max_length = found.config.positions
    return tokenizer


__all__ = [
    "Classifier",
    "encoder_weights",
    "load_finetuned",
    "load_pretrained",
    "minilm_folder",
    "weights_of",
    "with_weights",
]
