"""One module per curve, found by its name. Each has a `CURVE`."""
