"""The bundle: what precompute made, on disk, validated; and how every number in it came about."""
