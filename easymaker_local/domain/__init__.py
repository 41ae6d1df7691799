"""Per resource: spec, record, statuses, transitions, ``decide()``. Data and rules: no I/O, no clock."""
