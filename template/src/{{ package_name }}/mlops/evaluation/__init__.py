"""What the model is worth on held-out rows, and how sure that is."""
