"""What the tickets of a task score, beside the published, seed by seed and paired."""
