"""Why products of channels are style, shown with a painting: what is measured, what is synthesized, how it is drawn."""
