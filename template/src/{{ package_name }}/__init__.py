"""The package of this project: three files are yours, the rest comes from the template."""
