"""Attention map → class: generator, hand-made features, rules, a small CNN, and our labelled maps of real heads."""
