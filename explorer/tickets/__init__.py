"""The paper's verbs: fine-tune, importance, prune; pure functions over frozen values."""
