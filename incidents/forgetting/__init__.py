"""What this house forgets, after its time or because a person asks."""
