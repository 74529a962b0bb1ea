"""Command-line stages that make the bundle: typed options in, one artefact out, atomic, resumable, seeded."""
