"""The network of our event GRU in torch, as it is: random weights, the same work."""

from turns import missing, serve

try:
    import torch

    from ripieno.layouts.vocabulary import SIZES
    from ripieno_export import event_task, preset
    from ripieno_export.step import Heads
except ImportError as error:
    missing(f"{error}; pip install 'ripieno[export]'")

torch.set_num_threads(1)
model = event_task.network(preset.load("event-gru")).eval()
heads = Heads(model)
masks = [torch.ones(1, size, dtype=torch.bool) for size in SIZES]
controls = [torch.full((1, 4), 0.5), torch.ones(1, 4), torch.full((1, 4), 0.95), *masks]
held = [torch.zeros(model.layers, 1, model.hidden)]


@torch.inference_mode()
def step():
    """An event is heard, the next one is sampled."""
    seen = model.read(torch.tensor([[[0, 20, 60, 16]]]))
    above, held[0] = model.cell(seen, held[0])
    said, _ = heads(above[:, 0], controls)
    return said.tolist()


serve(
    {
        "torch": torch.__version__,
        "parameters": sum(weight.numel() for weight in model.parameters()),
    },
    step,
)
