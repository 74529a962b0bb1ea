"""GLUE: the nine tasks, where their sentences come from, their encoding and their metrics."""
