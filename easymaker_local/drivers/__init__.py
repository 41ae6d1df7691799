"""Running workloads: the contract (``base``) and its implementations, which know nothing of resources or the database."""
