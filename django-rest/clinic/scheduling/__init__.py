"""Models of the clinic and its hours; open slots, holds and claimed time."""
