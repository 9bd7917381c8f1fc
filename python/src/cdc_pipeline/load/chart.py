"""A picture of a load test: throughput, latency and CPU time over the seconds of the run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from cdc_pipeline.load.ledger import spread
from cdc_pipeline.load.run import Result


def draw(result: Result, data: dict[str, Any], path: Path) -> None:
    """Writes a PNG.

    Raises:
        ImportError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (rate, latency, cpu) = pyplot.subplots(3, 1, figsize=(10, 10), sharex=True, layout="constrained")
    settings = result.settings
    figure.suptitle(
        f"{settings.rate:g} events/s for {settings.seconds:g} s on {data['machine']['cores']} cores: "
        "p99 commit to Kafka "
        + ", ".join(f"{name} {_p99(data[name]):.3f} s" for name in ("cold", "warm") if data[name])
    )
    for which, label in enumerate(("sent", "consumable")):
        seconds = sorted(result.rates)
        pairs = list(pairwise(seconds))
        values = [(result.rates[b][which] - result.rates[a][which]) / (b - a) for a, b in pairs]
        rate.plot([b for _, b in pairs], values, label=label)
    rate.set_ylabel("events/s")
    rate.legend(loc="lower right")

    by_second: dict[int, list[float]] = {}
    for each in result.sent:
        by_second.setdefault(int(each.committed - result.begin), []).extend(result.kafka.latencies([each]))
    spreads = {second: spread(values) for second, values in sorted(by_second.items()) if values}
    for name in ("p50", "p99"):
        latency.plot(list(spreads), [values[name] for values in spreads.values()], label=name)
    latency.set_yscale("log")
    latency.set_ylabel("commit to Kafka, s")
    latency.legend(loc="upper right")

    moments = [each.time - result.begin for each in result.samples]
    steps = list(pairwise(result.samples))
    names = list(result.samples[-1].cpu)
    shares = [[max(0.0, b.cpu[n] - a.cpu[n]) / max(b.time - a.time, 0.001) for a, b in steps] for n in names]
    cpu.stackplot(moments[1:], shares, labels=[name.replace("_", " ") for name in names])
    cpu.set_ylabel("cores")
    cpu.set_xlabel("seconds since the load began")
    cpu.legend(loc="upper right", fontsize="small")
    for axis in (rate, latency, cpu):
        # The cold part.
        axis.axvspan(0, settings.warmup, color="0.92", zorder=0)
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _p99(part: dict[str, Any]) -> float:
    return part["latency_seconds"]["commit_to_kafka"].get("p99", float("nan"))
