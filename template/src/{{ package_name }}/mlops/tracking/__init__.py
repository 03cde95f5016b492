"""Runs, model versions and their aliases, in MLflow."""
