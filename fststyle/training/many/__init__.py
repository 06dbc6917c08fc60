"""Many networks from one sheet: a row a painting, a process a row, on one machine or on a cluster.

Launching needs no torch.
"""
