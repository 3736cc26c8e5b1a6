"""HTTP: health, readiness and the mounted page."""
