"""The game: who switches off the most heads and stays above the line?"""
