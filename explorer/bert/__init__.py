"""BERT classifiers: loading and storing them, switching heads and MLPs off, removing them, and scoring fast."""
