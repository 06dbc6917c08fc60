"""Any painting as a network, without a training: the predictor and the body that its numbers go into."""
