"""Verbs that read, write and ship whole bundles."""
