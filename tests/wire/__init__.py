"""The contract as tables: each call, what is answered, what can be read then."""
