-- The rows of `events` of the person whom an identifier names, under whatever identifier they were sent:
-- `customer_events(workspace = '…', identifier = '5')`. The identifier is written as for `customer`.
CREATE OR REPLACE VIEW customer_events AS
SELECT *
FROM events_by(
    workspace = {workspace:String},
    nodes = (
        SELECT nodes
        FROM identifiers_of(
            workspace = {workspace:String},
            identifier = {identifier:String},
            by = if(startsWith({identifier:String}, 'cio_'), 'founder', 'nobody')
        )
    )
)
