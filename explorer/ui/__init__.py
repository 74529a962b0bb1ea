"""The pages: one file each, around one head grid; session and URL state in `state`, caches in `cached`."""
