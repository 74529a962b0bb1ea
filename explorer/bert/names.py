"""What the embedded default model is called; importable without torch."""

MINILM = "minilm"
"""The name by which people ask for it."""
MINILM_NAME = "minilm-l6"
"""Its name in bundle paths."""
