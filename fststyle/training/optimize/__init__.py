"""One picture by changing its own pixels (Gatys 2016)."""
