"""Numbers that a component tells about itself, as Prometheus counts and prints them."""

from __future__ import annotations

from collections import defaultdict


class Counters:
    """Sums by name and labels: `add("workqueue_adds_total", name="job")`."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[str, tuple[tuple[str, str], ...]], float] = defaultdict(float)

    def add(self, metric: str, value: float = 1, **labels: str) -> None:
        self._sums[metric, tuple(sorted(labels.items()))] += value

    def get(self, metric: str, **labels: str) -> float:
        """The sum so far; 0 for what was never counted."""
        return self._sums.get((metric, tuple(sorted(labels.items()))), 0.0)

    def render(self) -> str:
        """Prometheus text format, version 0.0.4."""
        lines: list[str] = []
        for metric in sorted({metric for metric, _ in self._sums}):
            lines.append(f"# TYPE {metric} counter")
            lines += [
                f"{metric}{_braces(labels)} {value:g}"
                for (m, labels), value in sorted(self._sums.items())
                if m == metric
            ]
        return "".join(f"{line}\n" for line in lines)


def _braces(labels: tuple[tuple[str, str], ...]) -> str:
    inner = ",".join(f'{name}="{escape_label(value)}"' for name, value in labels)
    return f"{{{inner}}}" if inner else ""


def escape_label(value: str) -> str:
    """A label's value as Prometheus reads it between quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
