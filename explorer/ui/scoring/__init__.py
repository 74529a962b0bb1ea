"""Asking for a score and following it: the request, its data, background work and the score panel."""
