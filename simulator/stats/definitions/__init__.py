"""The metrics that reports show, each defined once, one file per subject."""
