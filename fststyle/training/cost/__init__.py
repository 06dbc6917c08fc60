"""The cost of a stylized picture, and the loss networks that see it."""
