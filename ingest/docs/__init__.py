"""The page at `/docs`: the OpenAPI document for people, as plain HTML.

Made here, because what the registry has is stale, large, or loads itself from somebody else's server: this one is for
machines that reach nothing but themselves, and runs no script.
"""
