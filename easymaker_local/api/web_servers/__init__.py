"""What the gateway's port puts before servers that are workloads: who asks, is it there, does it run, and the way on to it."""
