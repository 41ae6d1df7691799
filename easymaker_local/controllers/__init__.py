"""Carrying resources through their lives: one reconciler per resource and the loop that runs them. Only they write status."""
