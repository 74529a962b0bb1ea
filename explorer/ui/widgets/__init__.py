"""Parts that several pages share: the head grid, pickers, panels, words, sharing and export."""
