"""HTTP in, log out. The edge's promise: 200 means the message is on the log."""
