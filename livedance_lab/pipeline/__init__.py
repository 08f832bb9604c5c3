"""One frame's way through the server: the slot, the lanes that work on it, and what comes out.

Read in this order: `latest` (the one-slot buffer), `picture` (bytes to pixels, once), `scheduler` (who works
next), `lanes` (threads that own an estimator), `plans` (which lane takes which frame), `crew` and `staff` (the lanes
of one session, over its changes), `process` (estimates to a result), `outlet` (results leave) and `session` (one
producer's everything).
"""
