"""Programs that measure Knarr; docs/performance.md says what and how.

`python -m benchmarks` runs those that every change is held to.
"""
