"""What the edge takes, as an OpenAPI document: made from the table of endpoints and from one schema for each call."""
