"""A bundle as a static site: an index and a page a task, each one HTML file that opens without a server."""
