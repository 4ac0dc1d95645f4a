"""The same event GRU file in ONNX Runtime, driven as one does at a first try.

`session.run` with a dictionary of numpy arrays; the state comes back and goes in again.
"""

from turns import missing, serve

try:
    import numpy as np

    from ripieno.inference import manifest
    from ripieno.inference.onnx_runtime import ort
except ImportError as error:
    missing(f"{error}; run it with the Python that Ripieno is installed for")

folder = manifest.find("event-gru")
told = manifest.load(folder)
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 3
session = ort.InferenceSession(
    str(folder / manifest.GRAPH), options, providers=["CPUExecutionProvider"]
)
state = {t.name: np.zeros(t.shape, t.dtype) for t in told.inputs if "state" in t.name}
names = [output.name for output in session.get_outputs()]


def step():
    """An event is heard, the next one is sampled."""
    feeds = {
        "event": np.array([[0, 20, 60, 16]], np.int64),
        "noise": np.full((1, 4), 0.5, np.float32),
        "temperature": np.ones((1, 4), np.float32),
        "top_p": np.full((1, 4), 0.95, np.float32),
        **{
            tensor.name: np.ones(tensor.shape, np.bool_)
            for tensor in told.inputs
            if tensor.name.startswith("mask")
        },
        **state,
    }
    said = dict(zip(names, session.run(None, feeds), strict=True))
    for into, out in told.state:
        state[into] = said[out]


serve({"onnxruntime": ort.__version__, "parameters": told.parameters}, step)
