"""Page League: which criterion of importance keeps most of the score."""
