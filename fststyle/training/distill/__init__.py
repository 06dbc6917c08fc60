"""Makes slim and medium: thin VGGs that see what VGG-19 sees, in its units, at a fraction of the cost."""
