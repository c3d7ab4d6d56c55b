"""Patient records, families, guests and staff."""
