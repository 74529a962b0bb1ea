"""Mathematics of scores and masks that knows no bundle: intervals, paired comparisons, survival, overlap, agreement."""
