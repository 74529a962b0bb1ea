"""What scores and masks say: intervals, paired comparisons, survival, overlap and agreement over seeds."""
