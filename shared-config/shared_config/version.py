"""The version of Chairside: of both services, their documents and the backups they make."""

VERSION = "0.1.0"
