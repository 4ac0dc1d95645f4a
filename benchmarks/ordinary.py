"""Runs our network in the usual ways, to compare our step with them.

There are two steps of an `EventTransformer`, both with a cache of keys and values and
without further optimisation. Heads and sampling are those of our own step, in the graph
or in torch. So only the backbone and the calls around it differ:

- `Naive`: exported with a cache that is an input of any length and comes back longer by
  one event; driven by `session.run` with numpy arrays, in and out.
- `Eager`: torch as it is, its cache allocated once and written in place.

    python benchmarks/ordinary.py WEIGHTS.pt GRAPH.onnx      exports the first
"""

import contextlib
import io
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ripieno.inference.onnx_runtime import ort
from ripieno.layouts.vocabulary import SIZES
from ripieno_export import event_task
from ripieno_export.networks.events import EventNetwork
from ripieno_export.networks.transformer import HEAD, Block, rotary, rotate
from ripieno_export.step import CONTROLS, LOGITS, Heads, example_controls, example_event


def attend(block: Block, x: Tensor, turn: tuple[Tensor, Tensor], cache):
    """Return the attention of one event [1, 1, H] over the cached events and itself."""
    q, k, v = block.to_qkv(x).view(1, 1, 3, block.heads, HEAD).permute(2, 0, 3, 1, 4)
    keys, values = cache(rotate(k, *turn), v)
    seen = nn.functional.scaled_dot_product_attention(rotate(q, *turn), keys, values)
    return block.from_heads(seen.transpose(1, 2).reshape(1, 1, -1))


class Naive(nn.Module):
    """Event, position, caches, controls → event, longer caches, logits."""

    def __init__(self, model: EventNetwork, context: int) -> None:
        super().__init__()
        self.model, self.heads = model, Heads(model)
        self.cos, self.sin = (nn.Buffer(table) for table in rotary(context))

    def forward(self, event, position, *rest):
        model, told = self.model, []
        x = model.lift(model.read(event))[None]
        turn = self.cos[position], self.sin[position]
        for number, block in enumerate(model.blocks):
            past = rest[2 * number : 2 * number + 2]

            def grown(key, value, past=past):
                both = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
                told.extend(both)
                return both

            x = x + attend(block, block.norm_attention(x), turn, grown)
            x = x + block.feed(block.norm_feed(x))
        said, logits = self.heads(model.norm(x)[0], rest[2 * model.layers :])
        return (said, *told, *logits)


def export(weights: Path, graph: Path) -> None:
    """Export `Naive` in a process of its own, once."""
    if not graph.is_file():
        command = [sys.executable, __file__, str(weights), str(graph)]
        subprocess.run(command, check=True)


def export_here(weights: Path, graph: Path) -> None:
    """Export `Naive` in this process."""
    model = event_task.network_of(weights)
    step = Naive(model, 1 << 12).eval()
    shape = (1, model.hidden // HEAD, 5, HEAD)
    caches = tuple(torch.zeros(shape) for _ in range(2 * model.layers))
    names = [f"{kind}_{n}" for n in range(model.layers) for kind in ("key", "value")]
    controls = example_controls()
    grows = [{2: torch.export.Dim("length", min=2, max=4000)} for _ in caches]
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        torch.no_grad(),
    ):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            step,
            (example_event(), torch.zeros(1, dtype=torch.int64), *caches, *controls),
            str(graph),
            input_names=["event", "position", *names, *CONTROLS],
            output_names=["next_event", *(f"next_{n}" for n in names), *LOGITS],
            dynamic_shapes=(None, None, (*grows, *(None for _ in controls))),
            opset_version=20,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


class NaiveLine:
    """Calls `Naive` with numpy arrays."""

    def __init__(self, graph: Path, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            str(graph), options, providers=["CPUExecutionProvider"]
        )
        self._names = [i.name for i in self._session.get_inputs()]
        self._caches = [n for n in self._names if n.startswith(("key_", "value_"))]
        self._shapes = {i.name: i.shape for i in self._session.get_inputs()}
        self.fill(0)

    def fill(self, events: int) -> None:
        """Set the cache as after so many events."""
        rng = np.random.default_rng(1)
        self._past = {
            name: rng.standard_normal(
                (1, self._shapes[name][1], events, HEAD), np.float32
            )
            for name in self._caches
        }
        self._position = events

    def step(self, event, controls) -> list[int]:
        """Feed an event; return the next one."""
        feeds = {
            "event": np.array([event], np.int64),
            "position": np.array([self._position], np.int64),
            **self._past,
            "noise": np.array([controls.noise], np.float32),
            "temperature": np.array([controls.temperature], np.float32),
            "top_p": np.array([controls.top_p], np.float32),
            **{
                name: mask[None]
                for name, mask in zip(CONTROLS[3:], controls.masks, strict=True)
            },
        }
        said, *rest = self._session.run(None, feeds)
        self._past = dict(zip(self._caches, rest[: len(self._caches)], strict=True))
        self._position += 1
        return said[0].tolist()


class Eager:
    """Torch's own step; its cache is written in place."""

    def __init__(self, model: EventNetwork, context: int) -> None:
        self._model, self._heads = model.eval(), Heads(model)
        shape = (1, model.hidden // HEAD, context, HEAD)
        self._keys = [torch.randn(shape) for _ in model.blocks]
        self._values = [torch.randn(shape) for _ in model.blocks]
        self._cos, self._sin = rotary(context)
        self._position = 0

    def fill(self, events: int) -> None:
        """Set the cache as after so many events."""
        self._position = events

    @torch.inference_mode()
    def step(self, event, controls) -> list[int]:
        """Feed an event; return the next one."""
        model, at = self._model, self._position
        x = model.lift(model.read(torch.tensor([event])))[None]
        turn = self._cos[at : at + 1], self._sin[at : at + 1]
        for number, block in enumerate(model.blocks):
            keys, values = self._keys[number], self._values[number]

            def kept(key, value, keys=keys, values=values):
                keys[:, :, at], values[:, :, at] = key[:, :, 0], value[:, :, 0]
                return keys[:, :, : at + 1], values[:, :, : at + 1]

            x = x + attend(block, block.norm_attention(x), turn, kept)
            x = x + block.feed(block.norm_feed(x))
        chance = (controls.noise, controls.temperature, controls.top_p)
        masks = [torch.from_numpy(mask)[None] for mask in controls.masks]
        given = [torch.tensor([numbers]) for numbers in chance]
        said, _ = self._heads(model.norm(x)[0], [*given, *masks])
        self._position += 1
        return said[0].tolist()


assert len(CONTROLS) == 3 + len(SIZES)

if __name__ == "__main__":
    export_here(Path(sys.argv[1]), Path(sys.argv[2]))
