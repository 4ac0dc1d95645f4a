"""Thinking ahead, measured: `python benchmarks/thinking_ahead.py [--turns 40]`.

First: what it costs to begin a plan again, in microseconds. A plan line has taken a
given number of steps. It follows the played line again: with nothing new, and after one
human note (two events).

Then: a duet in real time, with a thinker process as in `ripieno play`. The phrases have
a random rhythm. Some end with a key that is held beyond the silence that ends a phrase.
It prints the share of answers whose first section was there when the phrase was over,
and how long the others were waited for.
"""

import argparse
import random
import statistics

from rich.console import Console

from ripieno.clock import NS_PER_MS, NS_PER_S, SystemClock
from ripieno.commands.demo_stage import Stage, embedded
from ripieno.inference.controls import Controls
from ripieno.inference.lines import Line
from ripieno.inference.manifest import find
from ripieno.inference.session import Loaded
from ripieno.layouts.vocabulary import Event
from ripieno.music import messages
from ripieno.settings.config import Settings
from ripieno.settings.params import Params

MODELS = ("event-gru", "event-transformer")
HEARD = (30, 200, 440)
PLANNED = (1, 30, 120)
"""Steps of the plan line before it begins again."""
TIMES = 41
REPLY_NS = 3 * NS_PER_S
STEP_NS = NS_PER_MS // 2


def going_back(name: str) -> None:
    """Print a table for one model."""
    session = Loaded(find(name), "cpu")
    session.warm_up()
    played, plan, heard = session.line(), session.line(), 0
    for wanted in HEARD:
        while heard < wanted:
            played.step(Event(0, 3, 60 + heard % 12, 16), Controls())
            heard += 1
        for length in PLANNED:
            same = times_us(played, plan, length, new=0)
            after = times_us(played, plan, length, new=2)
            heard += 2 * TIMES
            print(
                f"{name:18} heard {heard:4}, plan {length:3}: back in "
                f"{statistics.median(same):5.1f} µs (max {max(same):6.1f}); after one "
                f"note more {statistics.median(after):5.1f} µs (max {max(after):6.1f})"
            )


def times_us(played: Line, plan: Line, length: int, new: int) -> list[float]:
    """Return how long the plan line takes to follow the played one again.

    Args:
        played: receives the new events.
        plan: has followed it before.
        length: the steps that the plan line takes in between.
        new: the number of new events in between.
    """
    clock, took = SystemClock(), []
    plan.follow(played)
    for _ in range(TIMES):
        for _ in range(length):
            plan.step(Event(1, 3, 60, 16), Controls())
        for _ in range(new):
            played.step(Event(0, 3, 62, 16), Controls())
        began_ns = clock.now_ns()
        plan.follow(played)
        took.append((clock.now_ns() - began_ns) / 1e3)
    return took


def duet(name: str, role: str, turns: int) -> None:
    """Play a duet, and print how many answers were ready."""
    settings = Settings(model=name, provider="cpu", play=Params(role=role))
    chance, clock = random.Random(1), SystemClock()
    with embedded(settings, 1, Console(quiet=True)) as stage:
        for _ in range(turns):
            play(stage, clock, chance)
        status = stage.status()
    assert status is not None
    print(
        f"{name:18} {role}: {status.turns} answers, ready before they were asked for: "
        f"{status.ready} ({status.ready / max(1, status.turns):.1%}); waited "
        f"for the others p50 {status.wait_p50_ms:.1f} ms, p99 {status.wait_p99_ms:.1f} "
        f"ms; on time {status.on_time}, fallbacks {status.fallbacks}, shed "
        f"{status.shed}, climbed {status.climbed}"
    )


def play(stage: Stage, clock: SystemClock, chance: random.Random) -> None:
    """Play one phrase, and wait for a reply."""
    now_ns = clock.now_ns()
    gap_s, script, at_s = chance.uniform(0.12, 0.45), [], 0.0
    count = chance.randint(3, 16)
    for place in range(count):
        pitch = chance.choice((60, 62, 64, 65, 67, 69, 72))
        held_s = gap_s * chance.uniform(0.3, 0.95)
        if place == count - 1 and chance.random() < 0.4:
            held_s = gap_s * chance.uniform(1.0, 4.0)
        for moment_s, data in (
            (at_s, messages.note_on(0, pitch, chance.randint(50, 90))),
            (at_s + held_s, messages.note_off(0, pitch)),
        ):
            script.append((now_ns + int(moment_s * NS_PER_S), data))
        at_s += gap_s * chance.choice((1, 1, 1, 2))
    until_ns = script[-1][0] + REPLY_NS
    while (now_ns := clock.now_ns()) < until_ns:
        while script and script[0][0] <= now_ns:
            stage.send(script.pop(0)[1])
        stage.turn()
        clock.wait_until(min(stage.wake_ns(now_ns), now_ns + STEP_NS))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--turns", type=int, default=40, help="answers a model and role"
    )
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--role", default="answer", choices=("answer", "continue"))
    args = parser.parse_args()
    models = args.model or MODELS
    for name in models:
        going_back(name)
    for name in models:
        duet(name, args.role, args.turns)


if __name__ == "__main__":
    main()
