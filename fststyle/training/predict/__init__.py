"""The predictor: the numbers of a style from the painting, in place of a training (Ghiasi 2017)."""
