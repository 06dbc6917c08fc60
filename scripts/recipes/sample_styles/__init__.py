"""The sample style pictures, a module each; every one is drawn by numbers alone and given a seed."""
