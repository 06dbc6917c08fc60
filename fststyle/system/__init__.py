"""Files, memory, signals and optional dependencies: what any program of ours needs from its machine."""
