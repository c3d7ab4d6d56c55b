"""The settings, one module for each topic."""
