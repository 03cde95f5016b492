"""Changes of the team's own files that a release asks for: one module each, the oldest first.

A module has a `MIGRATION`. It keeps no state: it is pending where it finds something, so it can run
at any time, and does nothing where there is nothing to do.
"""

from __future__ import annotations

from upkeep.migrations.rename_cost import MIGRATION as RENAME_COST

MIGRATIONS = (RENAME_COST,)
"""All of them, in the order in which they are applied."""
