"""Benchmarks: `make bench` runs `python -m tests.bench`.

A benchmark is a module here whose name does not begin with an underscore and that has

    def main(argv: Sequence[str]) -> dict[str, object]

It takes at least `--quick`, prints a table of what, measured and reach, and returns the figures, ready for JSON.
Benchmarks are not collected by pytest.
"""
