"""What networks cost on photos, and other scores."""
