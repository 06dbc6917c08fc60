"""Picture files to uint8 sRGB pixels and back."""
