"""A story as TOML: the steps of a talk, what each shows and what its speaker says; read and checked, nothing drawn."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any, Literal, get_args

from explorer.errors import BadRequest
from explorer.foreign import Unreadable, bytes_of, toml_of
from explorer.glue.tasks import TASKS

Show = Literal[
    "question", "text", "grid", "path", "tickets", "retrained", "survival", "patterns", "published", "claim", "game"
]
"""What a step may show; `claim` shows the figure of its claim."""
ClaimName = Literal["good", "rest", "retrained", "unstable"]
SHOWS: tuple[Show, ...] = get_args(Show)
CLAIMS: tuple[ClaimName, ...] = get_args(ClaimName)
PRESETS = ("full", "good", "bad", "random", "super", "super-bad", "super-random", "complement", "off")
"""Masks that have a name; any other is its code."""
SHIPPED = Path(__file__).with_name("story.toml")
LARGEST, MOST_STEPS = 64 * 1024, 40
"""Bytes and steps of a story."""
_LONGEST = {"title": 90, "text": 420, "say": 2000, "mask": 200}
LIMITS = (
    f"A title has at most {_LONGEST['title']} characters, a text {_LONGEST['text']}, notes {_LONGEST['say']:,}; a "
    f"story has at most {MOST_STEPS} steps and {LARGEST // 1024} KB."
)
"""How long a story and its parts may be, in a sentence or two."""
_CODE = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True)
class Step:
    """One screen."""

    title: str
    show: Show
    text: str = ""
    """One or two sentences under the title; {names} stand for numbers of the bundle."""
    say: str = ""
    """Notes for the speaker."""
    claim: ClaimName | None = None
    """The claim whose verdict is shown; for show = "claim", its figure too."""
    mask: str = ""
    """A preset's name or a mask code, for show = "grid"."""
    task: str = ""
    """Empty: the one that is selected; so too seed."""
    seed: int | None = None
    where: str = ""
    """'Step 3 (line 24)', for whatever else is found wrong with it."""


@dataclass(frozen=True)
class Story:
    """A talk."""

    title: str
    steps: tuple[Step, ...]


def parse_story(text: str, names: Collection[str], tasks: Collection[str] = ()) -> Story:
    """Reads and checks a story. names: what may stand in {braces}. tasks: own ones, that it may name beside GLUE's.

    Raises BadRequest, which names the step, its line and the field.
    """
    if len(text.encode()) > LARGEST:
        raise BadRequest(f"The story is larger than {LARGEST // 1024} KB.", LIMITS)
    try:
        raw = toml_of(text)
    except Unreadable as error:
        raise BadRequest(f"The story is not TOML: {error}.", "Mend that line.") from None
    _known(raw, ("title", "task", "seed", "steps"), "The story")
    title = _text(raw, "title", "The story", required=True)
    _named(title, names, "The story", "title")
    steps = raw.get("steps")
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise BadRequest("The story has no steps.", "Begin each with a line [[steps]].")
    if len(steps) > MOST_STEPS:
        raise BadRequest(f"The story has {len(steps)} steps, and at most {MOST_STEPS} can be shown.", LIMITS)
    lines = _lines(text)
    known = (*TASKS, *tasks)
    task, seed = _task(raw, "The story", known), _seed(raw, "The story")
    made = []
    for number, step in enumerate(steps):
        where = f"Step {number + 1}" + (f" (line {lines[number]})" if len(lines) == len(steps) else "")
        made.append(_step(step, where, task, seed, names, known))
    return Story(title, tuple(made))


def read_story(path: Path, names: Collection[str], tasks: Collection[str] = ()) -> Story:
    """Reads a story from a file, as `parse_story` does; raises BadRequest where there is no such file too."""
    try:
        data = bytes_of(path, LARGEST)
    except (OSError, Unreadable) as error:
        why = f" ({error})" if isinstance(error, Unreadable) else ""
        raise BadRequest(f"The story {path.name} cannot be read{why}.", "Name a TOML file in EXPLORER_STORY.") from None
    return decode_story(data, names, tasks)


def decode_story(data: bytes, names: Collection[str], tasks: Collection[str] = ()) -> Story:
    """Reads a story from a file's bytes; raises BadRequest as `parse_story` does."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest("The story is not text in UTF-8.", "Save it as UTF-8.") from None
    return parse_story(text.replace("\r\n", "\n"), names, tasks)


ONE_SEED = "There is one seed; what holds over seeds takes two."
"""What stands in place of sentences on all seeds where there is one."""


def filled(text: str, facts: Mapping[str, str | None], one_seed: Collection[str] = ()) -> str:
    """The text with its {names} filled in; what is not known is said to be so.

    one_seed: names that are blank because they speak of seeds and there is one. ONE_SEED takes the place of the
    sentences that ask for them: no claim on all seeds is made of one.
    """
    known = {name: "[not known yet]" if value is None else value for name, value in facts.items()}
    sentences = re.split(r"(?<=[.!?])(?=\s)", text)
    of_seeds = [not names_in(sentence).isdisjoint(one_seed) for sentence in sentences]
    parts = [
        sentence if not blank else f" {ONE_SEED}" if number == of_seeds.index(True) else ""
        for number, (sentence, blank) in enumerate(zip(sentences, of_seeds, strict=True))
    ]
    return "".join(parts).strip().format_map(known)


def names_in(text: str) -> set[str]:
    """The names that a text asks for in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def unknown_in(texts: Sequence[str], facts: Mapping[str, str | None]) -> list[str]:
    """Names in the texts that the bundle has no number for, each once."""
    named = [name for text in texts for _, name, _, _ in Formatter().parse(text) if name]
    return [name for name in dict.fromkeys(named) if facts.get(name) is None]


def _step(
    raw: Mapping[str, Any], where: str, task: str, seed: int | None, names: Collection[str], tasks: Collection[str]
) -> Step:
    _known(raw, ("title", "show", "text", "say", "claim", "mask", "task", "seed"), where)
    texts = {field: _text(raw, field, where, required=field == "title") for field in ("title", "text", "say", "mask")}
    for field in ("title", "text", "say"):
        _named(texts[field], names, where, field)
    show, claim = raw.get("show", "text"), raw.get("claim")
    if show not in SHOWS:
        raise BadRequest(f"{where}: show = {show!r} is nothing that can be shown.", f"Choose of {', '.join(SHOWS)}.")
    if claim is not None and claim not in CLAIMS:
        raise BadRequest(f"{where}: claim = {claim!r} is none of the four.", f"Choose of {', '.join(CLAIMS)}.")
    if show in ("claim", "published") and claim is None:
        raise BadRequest(f'{where}: show = "{show}" needs a claim.', f"Add claim = one of {', '.join(CLAIMS)}.")
    mask = texts["mask"]
    if show == "grid" and not mask:
        raise BadRequest(f'{where}: show = "grid" needs a mask.', f"A mask code, or one of {', '.join(PRESETS)}.")
    if mask and not _CODE.fullmatch(mask):
        raise BadRequest(f"{where}: mask = {mask[:60]!r} is no mask.", f"A code, or one of {', '.join(PRESETS)}.")
    if mask and show != "grid":
        raise BadRequest(f'{where}: a mask goes with show = "grid", not with {show!r}.', "Leave one of them out.")
    own_seed = _seed(raw, where)
    return Step(
        texts["title"],
        show,
        texts["text"],
        texts["say"],
        claim,
        mask,
        _task(raw, where, tasks) or task,
        seed if own_seed is None else own_seed,
        where,
    )


def _known(raw: Mapping[str, Any], fields: Sequence[str], where: str) -> None:
    for name in raw:
        if name not in fields:
            raise BadRequest(f"{where} has a field {name[:60]!r}.", f"It may have {', '.join(fields)}.")


def _text(raw: Mapping[str, Any], field: str, where: str, *, required: bool) -> str:
    value = raw.get(field, "")
    if not isinstance(value, str):
        raise BadRequest(f"{where}: {field} is not text.", "Put it in quotation marks.")
    value = " ".join(value.split()) if field != "say" else value.strip()
    if required and not value:
        raise BadRequest(f"{where} has no {field}.", f'Add {field} = "…".')
    if len(value) > _LONGEST[field]:
        raise BadRequest(
            f"{where}: {field} has {len(value):,} characters, and at most {_LONGEST[field]:,} fit.", LIMITS
        )
    return value


def _named(text: str, names: Collection[str], where: str, field: str) -> None:
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise BadRequest(f"{where}: {field} has a stray brace.", "Write {{ and }} for braces that are meant.") from None
    for _, name, style, conversion in parts:
        if name is not None and (name not in names or style or conversion):
            wanted = f"{name}{'!' + conversion if conversion else ''}{':' + style if style else ''}"
            raise BadRequest(
                f"{where}: {field} asks for {{{wanted[:60]}}}, which is no number of a bundle.",
                f"There are {', '.join(sorted(names))}.",
            )


def _task(raw: Mapping[str, Any], where: str, tasks: Collection[str]) -> str:
    task = raw.get("task", "")
    if task != "" and (not isinstance(task, str) or task not in tasks):
        own = " or of this bundle" if len(tasks) > len(TASKS) else ""
        raise BadRequest(
            f"{where}: task = {str(task)[:60]!r} is no task of GLUE{own}.", f"Choose of {', '.join(tasks)}."
        )
    return str(task)


def _seed(raw: Mapping[str, Any], where: str) -> int | None:
    seed = raw.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise BadRequest(f"{where}: seed = {str(seed)[:60]!r} is no seed.", "A whole number from 0 on.")
    return seed


def _lines(text: str) -> list[int]:
    """Where each step begins, from 1."""
    heads = enumerate(text.splitlines(), 1)
    return [number for number, line in heads if re.match(r"\s*\[\[\s*\"?steps\"?\s*\]\]", line)]
