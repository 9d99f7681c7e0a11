"""From a segment of the raw path to a message's subject."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import BadRequest
from ingest.identifiers import decoded, in_order, is_email, is_phone, of_anonymous, of_cio_id, of_object, subject

# What Go's url.PathEscape leaves as it is, beside letters, digits and -_.~
GO_UNESCAPED = "$&+=:@"
identifiers = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: len(text.encode()) <= 150
)


@given(identifiers, st.sampled_from(["", GO_UNESCAPED]))
def test_an_identifier_as_clients_quote_it_is_decoded_to_itself(identifier: str, safe: str) -> None:
    """Python's and Node's quoting, and Go's, which leaves `@ + : & = $` raw."""
    assert identifier == decoded(quote(identifier, safe=safe))


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("5", "id:5"),
        ("a%2Fb%20c%2Bd%25%C3%A9", "id:a/b c+d%é"),
        ("a+b", "id:a+b"),
        ("%252F", "id:%2F"),
        ("Bob%40Example.COM", "email:bob@example.com"),
        ("Bob@Example.COM", "email:bob@example.com"),
        ("bob@", "id:bob@"),
        ("@bob", "id:@bob"),
        ("bob@home", "id:bob@home"),
        ("a@b.c@d.e", "id:a@b.c@d.e"),
        ("cio_03000001", "cio:03000001"),
        ("cio_", "id:cio_"),
        ("CIO_1", "id:CIO_1"),
        ("%2B14155552671", "id:+14155552671"),
        ("\xc3\xa9", "id:é"),  # raw UTF-8, which some clients send; a segment is its bytes as Latin-1
        ("%F0%9F%98%80" * 37, "id:" + "😀" * 37),
        ("x" * 150, "id:" + "x" * 150),
    ],
)
def test_the_shape_of_an_identifier_decides_whom_it_names(segment: str, expected: str) -> None:
    """Emails in lower case, `cio_` without its mark, everything else an id with its case."""
    assert expected == subject(segment)


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ("100%", "percent-encoding"),
        ("%zz", "percent-encoding"),
        ("%2", "percent-encoding"),
        ("%FF", "UTF-8"),
        ("\xff", "UTF-8"),
        ("%ED%A0%80", "UTF-8"),
        ("", "1 to 150 bytes"),
        ("x" * 151, "1 to 150 bytes"),
        ("%C3%A9" * 76, "1 to 150 bytes"),
    ],
)
def test_an_identifier_that_cannot_be_decoded_without_loss_is_refused(segment: str, said: str) -> None:
    """Half an identifier would be somebody else's."""
    with pytest.raises(BadRequest, match=said):
        subject(segment)


def test_a_token_may_be_longer_than_an_identifier() -> None:
    """Whoever decodes one says how long."""
    assert decoded("x" * 151, 151) == "x" * 151
    with pytest.raises(BadRequest, match="1 to 151 bytes"):
        decoded("x" * 152, 151)


@pytest.mark.parametrize(
    ("text", "phone", "email"),
    [
        ("+15551234567", True, False),
        ("+4912", True, False),
        ("15551234567", False, False),
        ("+0123", False, False),
        ("+1 555", False, False),
        ("+1234567890123456", False, False),
        ("+\u0661\u0662", False, False),
        ("+123\n", False, False),
        ("Bob@example.com", False, True),
        ("bob@home", False, False),
        ("b ob@example.com", False, False),
        ("bob@example.com\n", False, False),
        ("", False, False),
    ],
)
def test_numbers_and_addresses_are_told_by_their_shape(text: str, phone: bool, email: bool) -> None:
    """E.164, and what a path takes for an address."""
    assert (is_phone(text), is_email(text)) == (phone, email)


@pytest.mark.parametrize(
    ("given", "expected"), [("03", "cio:03"), ("cio_03", "cio:03"), ("cio_cio_03", "cio:cio_03"), ("cio_", "cio:cio_")]
)
def test_a_cio_id_may_have_its_mark(given: str, expected: str) -> None:
    """One is taken off, and something is always left."""
    assert of_cio_id(given) == expected


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_no_two_objects_share_a_subject(type_id: str, object_id: str, other_type: str, other_id: str) -> None:
    """Whatever slashes are in them."""
    same = (type_id, object_id) == (other_type, other_id)
    assert (of_object(type_id, object_id) == of_object(other_type, other_id)) is same
    assert of_object(f"{type_id}/", object_id) != of_object(type_id, f"/{object_id}")


@given(st.permutations(["id:6", "id:5", "email:a:b@c.de", "phone:+49", "cio:id:5", "anon:q"]))
def test_subjects_are_ordered_by_kind_and_there_once(people: list[str]) -> None:
    """Those of one kind as they came."""
    ids = [person for person in people if person.startswith("id:")]

    assert in_order([*people, *people]) == (*ids, "email:a:b@c.de", "phone:+49", "cio:id:5", "anon:q")


def test_anonymous_42_is_not_customer_42() -> None:
    """The kind of identifier is part of the subject."""
    assert of_anonymous("42") != subject("42")
