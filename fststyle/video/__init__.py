"""Frames of a video in, frames out, with their times and everything else that the file holds; knows no network."""
