"""The program that `test_scale` starts: a tiny event model takes one step."""

import sys
from pathlib import Path

from ripieno_export import event_task, train
from ripieno_export.event_task import EventTask
from ripieno_export.preset import Preset

ONE_STEP = Preset(
    name="tiny",
    hidden=16,
    dropout=0.0,
    events=16,
    batch=8,
    steps=1,
    warmup=1,
    matmul="highest",
    threads=1,
    valid_crops=4,
)

if __name__ == "__main__":
    corpus, run = Path(sys.argv[1]), Path(sys.argv[2])
    train.train(EventTask(ONE_STEP, event_task.packed(corpus, run)), ONE_STEP, run)
