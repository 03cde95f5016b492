"""The one way to verify a project."""
