"""Distilling slim and medium: small VGGs that imitate VGG-19's activations at a fraction of its time."""
