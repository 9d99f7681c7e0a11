"""What an account may ask of the edge: are the credentials right, and where does it send to."""

import hashlib

REGION = "us"  # clients know "us" and "eu", and go to Customer.io's own host of that name unless they were given ours


def nice_credentials(_workspace: str, _address: str) -> object:
    """The credentials are right. Segment asks when a person has typed them in."""
    return {"meta": {"message": "nice credentials."}}


def region(workspace: str, address: str) -> object:
    """Where to send to. The environment's id is a number of 31 bits that stays the workspace's."""
    number = int.from_bytes(hashlib.sha256(workspace.encode()).digest()[:4]) >> 1
    return {"url": address, "region": REGION, "environment_id": number}
