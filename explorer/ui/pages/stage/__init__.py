"""Stage mode: a scripted story of the claims, told full-screen from what the bundle holds."""
