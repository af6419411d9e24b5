"""The quality scale: what a connector has shown of itself, rule by rule, and the tier that follows from it.

`rules` has the rules, `declared` reads a connector's quality.yaml, `checks` holds what code can judge of it against the
connector itself, `report` puts it together. docs/quality has a page for each rule.
"""
