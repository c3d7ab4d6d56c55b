"""Code that the tests of several parts share, and their benchmarks."""
