"""The app: pages, and what they share."""
