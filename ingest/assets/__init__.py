"""What pages of others load from the edge."""
