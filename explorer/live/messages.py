"""What the app and its scoring process say to each other, through a pipe that nobody else holds."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from explorer.errors import ExplorerError
from explorer.live.model_on_data import ModelOnData, Source
from explorer.live.worker import Request, Snapshot


@dataclass(frozen=True)
class Load:
    """To the process: what a model is loaded from; it is loaded now where it is wanted, else when it is asked."""

    source: Source
    wanted: bool


@dataclass(frozen=True)
class Forget:
    """To the process: this model is to be loaded anew when it is asked for again."""

    key: Hashable


@dataclass(frozen=True)
class Submit:
    """To the process: a request, without its model, which the key names."""

    number: int
    session: str
    key: Hashable
    request: Request[Any]
    spare: bool


@dataclass(frozen=True)
class Drop:
    """To the process: nobody waits for this request any more."""

    number: int


@dataclass(frozen=True)
class Ready:
    """From the process: it listens."""


@dataclass(frozen=True)
class Loaded:
    """From the process: a model is loaded."""

    key: Hashable
    model: ModelOnData
    """Without examples and source, which the app has."""


@dataclass(frozen=True)
class NotLoaded:
    """From the process: why a model cannot be loaded."""

    key: Hashable
    error: ExplorerError


@dataclass(frozen=True)
class Begun:
    """From the process: the requests whose turn it is now, to whom a crash would be due."""

    numbers: tuple[int, ...]
    of: int = 0
    """Which of the turns that are taken at once."""


@dataclass(frozen=True)
class News:
    """From the process: where these requests stand after their turn."""

    numbers: tuple[int, ...]
    snapshot: Snapshot[Any]
