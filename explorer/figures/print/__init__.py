"""Figures for paper: SVG, PNG, PDF, offline HTML and the tables behind them."""
