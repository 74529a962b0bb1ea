"""Names of the two models that the explorer knows by name; importable without torch."""

MINILM = "minilm"
"""The name by which people ask for it."""
MINILM_NAME = "minilm-l6"
"""Its name in bundle paths."""
BERT_BASE = "bert-base-uncased"
"""The paper's model, on the Hub and in bundle paths."""
