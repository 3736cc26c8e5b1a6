"""Templates: face tracks and the prepared assets cached by content hash."""
