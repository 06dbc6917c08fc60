"""Painting on many machines: pictures and videos on a Ray cluster, from and to object stores."""
