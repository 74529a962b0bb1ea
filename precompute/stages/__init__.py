"""The stages of the study, a file each: typed options in, one artefact out."""
