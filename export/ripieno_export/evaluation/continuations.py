"""What each system plays where the human's next note falls.

The model plays through the daemon's own composer: told of the prompt note by note, then
asked for a plan, with its published sampling and limits that allow all. Beside it play
systems that know less: the prompt's own last seconds again, the daemon's Markov chain
(which learns from the prompt alone), and the human, in another piece.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ripieno.clock import NS_PER_S
from ripieno.music.plan import Ask, Limits, PlannedNote
from ripieno.music.timeline import TICKS_PER_BEAT, Timeline
from ripieno.think import fallback
from ripieno.think.composer import Composer
from ripieno_export.evaluation import prompts
from ripieno_export.evaluation.prompts import SPAN_S, Prompt
from ripieno_export.evaluation.subject import Subject
from ripieno_export.tokenize import Notes

HUMAN: Final = "human"
MODEL: Final = "model"
PROMPT: Final = "prompt again"
MARKOV: Final = "Markov of the prompt"
OTHER: Final = "human, another piece"
SYSTEMS: Final = (HUMAN, MODEL, PROMPT, MARKOV, OTHER)
SEED: Final = 1

Continuations = Mapping[str, Sequence[Notes]]
"""By system, one continuation a prompt: seconds from the cut, no pedals."""


def play(subject: Subject, given: Sequence[Prompt]) -> Continuations:
    """All systems' continuations, in the order of `SYSTEMS`."""
    composer = Composer(subject, subject.sampling)
    return {
        HUMAN: [prompt.real for prompt in given],
        MODEL: [by_model(composer, prompt) for prompt in given],
        PROMPT: [again(prompt) for prompt in given],
        MARKOV: [by_markov(prompt) for prompt in given],
        OTHER: prompts.others(given),
    }


def ask(prompt: Prompt) -> Ask:
    """A plan from the cut on; a tick is 2 ms."""
    timeline = Timeline()
    start_ticks = timeline.ticks_for(prompt.cut_s)
    return Ask(
        revision=1,
        timeline=timeline,
        start_ticks=start_ticks,
        until_ticks=start_ticks + timeline.ticks_for(SPAN_S),
        closing=False,
        pulse_ticks=TICKS_PER_BEAT // 2,  # 120 bpm: free time is a beat a second
        grid_ticks=0,
        seed=SEED,
        limits=Limits(),
    )


def by_model(composer: Composer, prompt: Prompt) -> Notes:
    """What a composer plans."""
    composer.reset()
    for message in prompts.messages(prompt.heard):
        composer.played(message)
    wish, found = ask(prompt), list[PlannedNote]()
    composer.begin(wish)
    while (plan := composer.section()) is not None:
        found += plan.notes
    return _in_seconds(found, wish)


def by_markov(prompt: Prompt) -> Notes:
    """What the daemon plays while it has no model."""
    wish = ask(prompt)
    onsets = [m for m in prompts.messages(prompt.heard) if m.is_human_onset]
    plan = fallback.compose(onsets, wish, wish.start_ticks)
    return _in_seconds(plan.notes, wish)


def again(prompt: Prompt) -> Notes:
    """The prompt's last seconds, from their first note on."""
    late = prompts.window(prompt.heard, prompt.cut_s - SPAN_S)
    if len(late):
        first_s = float(late["start"][0])
        late["start"] -= first_s
        late["end"] -= first_s
    return late


def _in_seconds(planned: Sequence[PlannedNote], wish: Ask) -> Notes:
    """Planned notes, counted from the plan's start and cut at its end."""
    tick_s = wish.timeline.beat_ns / NS_PER_S / TICKS_PER_BEAT
    first = wish.start_ticks
    notes = prompts.notes_of(
        [(note.start_ticks - first) * tick_s for note in planned],
        [(note.end_ticks - first) * tick_s for note in planned],
        [note.pitch for note in planned],
        [note.velocity for note in planned],
    )
    return prompts.window(notes, 0.0)
