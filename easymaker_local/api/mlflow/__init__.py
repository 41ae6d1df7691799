"""MLflow behind the user's token and jobs' tokens: the link that opens it, and what the gateway's port passes on to it."""
