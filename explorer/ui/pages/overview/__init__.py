"""The first page: a model that loses its heads under a slider, and the paper's claims held against it."""
