"""Every error that may reach a person, as a sentence that says what is wrong and what to do.

ExplorerError
├── BadMask        a mask code or array that does not fit the model
├── BadData        a GLUE file that is missing, short or mangled; a Hub that cannot be reached
├── BadCheckpoint  a model folder that is missing, truncated or of another architecture
├── BadBundle      a cache that is missing, truncated, altered or of another schema version
├── BadLedger      a ledger of evaluated masks that is damaged, foreign or cannot be written
├── Busy           more people wait for a score than one machine serves
└── BadRequest     options that do not fit together, or a quantity that is undefined for this input
"""


class ExplorerError(Exception):
    """What is wrong, and what mends it. The command line and the app print both and nothing else."""

    def __init__(self, wrong: str, mend: str = "") -> None:
        super().__init__(f"{wrong} {mend}".strip())
        self.wrong = wrong
        self.mend = mend


class BadMask(ExplorerError):
    """A mask code or array that does not fit the model."""


class BadData(ExplorerError):
    """Task data that is missing, short or mangled, or a Hub that cannot be reached."""


class BadCheckpoint(ExplorerError):
    """A model that is missing, truncated or of another architecture."""


class BadBundle(ExplorerError):
    """A bundle that is missing, truncated, altered or of another schema version."""


class BadLedger(ExplorerError):
    """A ledger of evaluated masks that is damaged, foreign or cannot be written."""


class Busy(ExplorerError):
    """More people wait for a score than one machine serves."""


class BadRequest(ExplorerError):
    """Options that do not fit together, or a quantity that is undefined for this input."""
