"""The pages, a file or a folder each; app.py lists them."""
