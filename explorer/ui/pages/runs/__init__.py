"""What the bundle holds, where it comes from, and what can be added."""
