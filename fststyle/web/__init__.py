"""A page that paints: its files, and a folder of them that any static host serves."""
