"""Following several people: who is who from picture to picture, with no model inside.

`tracker` keeps the identities, `appearance` describes clothes, `geometry` compares bodies, `assignment` pairs them at
least cost, and `follower` is the loop over pictures: where to look, what was found, who it is.
"""
