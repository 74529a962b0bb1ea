"""Which heads and MLPs are left: over seeds, tasks and weights, ours and published."""
