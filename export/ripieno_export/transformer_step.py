"""One step of a Transformer, as the graph that the daemon runs.

Every layer's rotary embedding, cache and attention are one node, ONNX Runtime's
`com.microsoft::GroupQueryAttention`, whose past and present are the same memory: a step
writes one row of each cache, and going back is writing a smaller position. An ordinary
export is 250 nodes instead of 43 and copies its caches (1.4–4 × slower).

What is folded: an event's embeddings and the lift to H are four tables, as in
`recurrent_step`; the three maps to queries, keys and values are one.

Shapes: L layers, N heads, C events of context, D head size, H hidden.
"""

from typing import Final

import torch
from torch import Tensor, nn

from ripieno.layouts.vocabulary import FIELDS
from ripieno_export.networks.events import EMBEDDED
from ripieno_export.networks.transformer import HEAD, Block, EventTransformer, rotary
from ripieno_export.step import (
    CONTROLS,
    Heads,
    Step,
    example_controls,
    example_event,
)

ATTENTION: Final = "com.microsoft::GroupQueryAttention"


class TransformerStep(Step):
    """A causal decoder that advances by one event.

    Args:
        model: trained.
        context: C, the events that it may look back on; no more than it was trained
            on, since farther positions would be new to it.
    """

    opset = 23  # exactly: normalisation is taken apart at any other

    def __init__(self, model: EventTransformer, context: int) -> None:
        super().__init__()
        model = model.eval()
        self.context_events, self.hidden = context, model.hidden
        self.blocks, self.norm = model.blocks, model.norm
        self.heads = Heads(model)
        self.state = tuple(
            (f"{kind}_{layer}", f"next_{kind}_{layer}")
            for layer in range(model.layers)
            for kind in ("key", "value")
        )
        weights = torch.split(model.lift.weight, list(EMBEDDED), dim=1)
        embeddings = [e for e in model.embed if isinstance(e, nn.Embedding)]
        for name, embed, weight in zip(FIELDS, embeddings, weights, strict=True):
            table = embed.weight.detach() @ weight.detach().T
            self.register_buffer(f"table_{name}", table)
        cos, sin = rotary(context)
        self.register_buffer("cos", cos)
        self.register_buffer("sin", sin)

    cos: Tensor
    sin: Tensor

    @property
    def input_names(self) -> list[str]:
        """The graph's inputs in order."""
        caches = (into for into, _ in self.state)
        return ["event", "position", "total", *caches, *CONTROLS]

    def example_inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes, all distinct."""
        shape = (1, self.hidden // HEAD, self.context_events, HEAD)
        caches = [torch.zeros(shape) for _ in self.state]
        position = torch.zeros(1, dtype=torch.int32)
        total = torch.ones(1, dtype=torch.int32)
        return (example_event(), position, total, *caches, *example_controls())

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """See `input_names` and `output_names`."""
        event, position, total, *rest = inputs
        count = len(self.state)
        x = self._read(event)[None]  # [1, 1, H]
        told: list[Tensor] = []
        for layer, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            caches = rest[2 * layer : 2 * layer + 2]
            x, news = self._pass(block, x, [*caches, position, total])
            told += news
        said, logits = self.heads(self.norm(x)[0], rest[count:])
        return (said, *told, *logits)

    def _read(self, event: Tensor) -> Tensor:
        tables = [getattr(self, f"table_{name}") for name in FIELDS]
        pairs = zip(event.unbind(-1), tables, strict=True)
        x: Tensor = sum(
            (nn.functional.embedding(f, t) for f, t in pairs), torch.zeros(1)
        )
        return x

    def _pass(
        self, block: Block, x: Tensor, memory: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        key, value, position, total = memory
        qkv = block.to_qkv(block.norm_attention(x))  # [1, 1, 3 H]
        seen, *news = torch.onnx.ops.symbolic_multi_out(
            ATTENTION,
            (qkv, None, None, key, value, position, total, self.cos, self.sin),
            attrs={
                "num_heads": block.heads,
                "kv_num_heads": block.heads,
                "do_rotary": 1,
                "rotary_interleaved": 0,
            },
            dtypes=(x.dtype, x.dtype, x.dtype),
            shapes=((1, 1, self.hidden), key.shape, value.shape),
            version=1,
        )
        x = x + block.from_heads(seen)
        return x + block.feed(block.norm_feed(x)), list(news)
