"""The one way to a new champion, and the way back."""
