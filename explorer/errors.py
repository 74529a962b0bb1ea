"""Every error that may reach a person, as a sentence that says what is wrong and what to do.

ExplorerError
├── BadMask        a mask code or array that does not fit the model
├── BadData        a GLUE file that is missing, short or mangled; a Hub that cannot be reached
├── BadCheckpoint  a model folder that is missing, truncated or of another architecture
├── BadBundle      a cache that is missing, truncated, altered or of another schema version
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


class BadRequest(ExplorerError):
    """Options that do not fit together, or a quantity that is undefined for this input."""
