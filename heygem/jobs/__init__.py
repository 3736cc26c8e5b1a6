"""Durable jobs: the SQLite store and the one engine thread that serves them."""
