"""Weights: manifest, nets, loaders and the registry that keeps them resident."""
