"""Lip-sync engines behind one protocol."""
