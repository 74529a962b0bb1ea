"""The study of many runs: one plan from the register of stages, carried out on this machine or on a Ray cluster."""
