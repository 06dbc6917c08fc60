"""A page that shows with a painting why products of channels describe style: measurements, syntheses, charts."""
