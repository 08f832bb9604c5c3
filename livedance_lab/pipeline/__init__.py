"""One live session, from received frame to emitted result.

Read in this order: `latest_slot` (the buffer of one frame), `received_frame` (bytes to pixels, once), `scheduler`
(which session and lane gets a core), `policies` (which lane takes which frame), `lane` (a thread that owns estimators),
`lane_group` (the lanes of one session, over changes of settings), `result_builder` (estimates to a result), `emitter`
(results leave, in order), `ledger` (every frame is counted once) and `session` (all of it for one producer).
"""
