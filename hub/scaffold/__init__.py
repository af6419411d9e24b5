"""`hub new-connector`: writes a connector that works, from a real one that is linted and tested as it stands.

`pebble` is that connector, for an invented service; `project` is what surrounds it when it stands alone. `names` says
which names will do, `rendering` puts the new name in, `writing` puts the files where they belong.
"""
