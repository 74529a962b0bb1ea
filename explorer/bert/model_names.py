"""Names of the two models that the explorer knows by name; importable without torch."""

MINILM = "minilm"
"""Name by which people ask for MiniLM."""
MINILM_NAME = "minilm-l6"
"""Name of MiniLM in bundle paths."""
BERT_BASE = "bert-base-uncased"
"""The paper's model, on the Hub and in bundle paths."""
