"""What a project asks of its template beside wiring: updates, and what an update has to know."""
