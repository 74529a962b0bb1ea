"""What the stored results of a bundle say: the paper's claims, conditions, comparisons and the report."""
