"""Tidy data to Plotly figures, without Streamlit."""
