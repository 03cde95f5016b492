"""From tables to models: inputs, selection, metrics, tuning, and the files of a model."""
