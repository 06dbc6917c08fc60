"""Transformer networks, and where their training starts."""
