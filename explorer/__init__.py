"""The BERT Lottery Explorer: prune a fine-tuned BERT and see what it still scores.

In a notebook, `explorer.open_run` opens a run: see `explorer.notebook`, whose names are here too. They are imported
when they are asked for, so that `import explorer` takes no time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.errors import ExplorerError as ExplorerError
    from explorer.mask import Mask as Mask
    from explorer.notebook import grid_figure as grid_figure
    from explorer.notebook import open_run as open_run
    from explorer.notebook import runs as runs

__version__ = "0.1.0"
_HOMES = {
    "ExplorerError": "explorer.errors",
    "Mask": "explorer.mask",
    "grid_figure": "explorer.notebook",
    "open_run": "explorer.notebook",
    "runs": "explorer.notebook",
}


def __getattr__(name: str) -> Any:
    """Imports a name of the notebook when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
