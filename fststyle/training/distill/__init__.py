"""Makes the slim loss network: a thin VGG that sees what VGG-19 sees, in its units, at a fraction of the cost."""
