"""All web pages."""
