"""Every limit of the edge, each named once. Sizes are bytes of UTF-8 unless the name says otherwise."""

IDENTIFIER = 150
ATTRIBUTES = 300
ATTRIBUTE_NAME = 150
ATTRIBUTE_VALUE = 1_000
EVENT_NAME = 100
VIEW_NAME_CHARACTERS = 500  # of a page or a screen: often a URL
EVENT_DATA = 100_000
EVENT_ID = 150
NUMBER_TEXT = 100  # of a timestamp

# One body. The contract names none for v1; its largest elsewhere is the 500 kB of a v2 batch. An identify of this
# size still fits into one record of the log when every character of it has to be escaped.
BODY = 512_000
# All bodies that are being read or written to the log, together: what bounds the edge's memory.
BODIES_IN_FLIGHT = 64 * 1024 * 1024

NESTING = 64  # objects and arrays within each other, the outermost counted
FORM_FIELDS = 1_000
USER_AGENT = 500  # kept of it
