"""Every limit of the edge, each named once. Sizes are bytes of UTF-8 unless the name says otherwise."""

IDENTIFIER = 150
TOKEN = 1_000  # of a device, or a delivery's id: others make them, and those of Android have 160 and more
ATTRIBUTES = 300
ATTRIBUTE_NAME = 150
ATTRIBUTE_VALUE = 1_000
EVENT_NAME = 100
VIEW_NAME_CHARACTERS = 500  # of a page or a screen: often a URL
EVENT_DATA = 100_000
EVENT_ID = 150
OBJECT = 100_000  # all attributes of one, as they were sent
RELATIONSHIP = 100_000  # the same of a relationship
NUMBER_TEXT = 100  # of a timestamp
AUTHORIZATION = 4_096  # in base64; a pair made here has 114

# One body. The contract names none for v1; its largest elsewhere is the 500 kB of a v2 batch. An identify of this
# size still fits into one record of the log when every character of it has to be escaped.
BODY = 512_000
ENTITY = 32_768  # of Track v2, alone or in a batch
PIPELINES_CALL = 32_768  # of Data Pipelines, alone or in a batch
SEGMENT_IDS = 1_000  # in one call
BATCH_ITEMS = 20_000  # more than can say something within a body
PROBLEMS = 100  # of one call or item; when so many were found, nobody looks for more
# All bodies that are whole and not yet on the log, together; and all of which more is to come, with what each of their
# requests takes beside it. They bound the edge's memory.
BODIES_IN_FLIGHT = 64 * 1024 * 1024
BODIES_COMING = 6 * 1024 * 1024
BODIES_WAITING = 16 * 1024 * 1024  # besides, of large ones that are read by turns
REQUEST, HOT_REQUEST = 8_192, 2_048  # measured: a task, its scope and headers; the hot way has neither
BODIES_AT_ONCE = 32 * 1024 * 1024  # of them, what may come in one turn of the loop
MESSAGE = 1_000  # what each of several messages of one body is counted as beside it
BATCH_CONTEXT = 2_000_000  # of a batch of Data Pipelines: its own context, in all of its calls together

# Of what was answered 200 and is not kept: rows a second and workspace, s worth of them at once, bytes of the text.
REJECTIONS = 1.0
REJECTIONS_AT_ONCE = 100.0
EXCERPT = 500
REJECTION_MESSAGES = 20

NESTING = 64  # objects and arrays within each other, the outermost counted
FORM_FIELDS = 1_000
FORM_STEPS = 10_000  # of all their names together: `a[b][c]` has three
MEMBERS = 32  # of a compressed body, one behind the other
USER_AGENT = 500  # kept of it

HEAD = 32 * 1024  # request line and headers; a chunked body's trailers again as much
HEADERS = 100
CONNECTIONS = 10_000  # less where the process may not open as many files
PIPELINED = 16  # requests of one connection that wait for the answer before theirs

# Seconds, kept to the next second.
HEAD_TIME = 10.0  # from its first byte to its last
BODY_TIME = 30.0
# Between requests. Longer than the 60 of common load balancers, which else send into a connection just closed.
IDLE = 65.0
IDLE_WHILE_CROWDED = 5.0
UNREAD = 30.0  # answers that a client does not read
LINGER = 2.0  # from our last word to the end of the connection, for the client to read it
HALF_SENT = 2.0  # what a half-sent request gets for its rest once the process is told to end
