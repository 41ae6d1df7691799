"""Small helpers that could be libraries of their own: clock, ids, files, ports. Nothing here knows a resource."""
