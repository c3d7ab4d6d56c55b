"""Names and paths of older front ends, translated before a view sees the request."""
