"""One frame's way through the server: the slot, the lanes that work on it, and what comes out.

Read in this order: `latest` (the one-slot buffer), `picture` (bytes to pixels, once), `scheduler` (who works
next), `lanes` (threads that own an estimator), `plans` (which lane takes which frame), `process` (estimates
to a result) and `session` (one producer's everything).
"""
