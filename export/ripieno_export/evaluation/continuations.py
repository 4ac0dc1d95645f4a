"""What each system plays where the human's next note falls.

The model plays through the daemon's own composer: told of the prompt note by note, then
asked for a plan, with its published sampling and limits that allow all. Beside it play
systems that know less: the prompt's own last seconds again, the daemon's Markov chain
(which learns from the prompt alone), and the human, in another piece.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ripieno.minds.composer import Composer
from ripieno.rules import fallback
from ripieno_export import continuing
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


def by_model(composer: Composer, prompt: Prompt) -> Notes:
    """What a composer plans."""
    wish = continuing.ask(prompt.cut_s, SPAN_S)
    return prompts.window(continuing.play(composer, prompt.heard, wish), 0.0)


def by_markov(prompt: Prompt) -> Notes:
    """What the daemon plays while it has no model."""
    wish = continuing.ask(prompt.cut_s, SPAN_S)
    onsets = [m for m in continuing.messages(prompt.heard) if m.is_human_onset]
    plan = fallback.compose(onsets, wish, wish.start_ticks)
    return prompts.window(continuing.in_seconds(plan.notes, wish), 0.0)


def again(prompt: Prompt) -> Notes:
    """The prompt's last seconds, from their first note on."""
    late = prompts.window(prompt.heard, prompt.cut_s - SPAN_S)
    if len(late):
        first_s = float(late["start"][0])
        late["start"] -= first_s
        late["end"] -= first_s
    return late
