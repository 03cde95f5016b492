"""Reads a team's own data file, and writes for it the files that are the team's."""

from .command import wire

COMMANDS = (wire,)
