"""What the paper's authors published: its figures as facts, and an importer for a clone of their repository."""
