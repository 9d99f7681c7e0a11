"""Proves from outside that nothing was lost, doubled or resurrected: the log's offsets against `journal` and
`dead_letters`, and the journal against every table."""
