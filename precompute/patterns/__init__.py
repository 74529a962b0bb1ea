"""Verbs and tools of the pattern classifier: drawing maps, training, scoring and its card."""
