"""The HTTP server of django-rest: gunicorn, with workers that read whole requests before a thread gets them."""
