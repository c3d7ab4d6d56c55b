"""The pages of the clinic, one module each."""
