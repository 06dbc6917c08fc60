"""Many pictures through one stylizer."""
