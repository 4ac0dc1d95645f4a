"""A quantised model loads, replays its golden vectors and states its loss."""

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("symusic")

from onnx import numpy_helper

from ripieno.errors import ModelError, SettingsError
from ripieno.inference import manifest as manifests
from ripieno.inference.session import Loaded
from ripieno.layouts import voices
from ripieno_export import (
    event_task,
    lighter,
    parity,
    quantize,
)
from ripieno_export.cli import main
from ripieno_export.packed import Packed
from ripieno_export.quantize import BOUNDS, Bound
from ripieno_export.step import CONTROLS

pytestmark = pytest.mark.torch

MODELS = Path(__file__).parents[2] / "models"


def is_whole(folder: Path) -> bool:
    """Whether it is a step model in float32."""
    if json.loads((folder / "manifest.json").read_text())["interface"] != "step":
        return False
    return "tolerance" not in parity.load(folder / "golden.npz")


FAMILIES = sorted(
    p.parent.name for p in MODELS.glob("*/manifest.json") if is_whole(p.parent)
)
PAIRS = [(family, bits) for family in FAMILIES for bits in (8, 16)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def packed(data: Path, run: Path) -> Packed:
    return event_task.packed(data, run)


@pytest.fixture(scope="module")
def models(packed: Packed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published step models, and the same in fewer bits."""
    place = tmp_path_factory.mktemp("models")
    for family in FAMILIES:
        (place / family).symlink_to(MODELS / family)
        for bits in lighter.BITS:
            quantize.quantize(place / family, bits, packed, place, crops=2)
    return place


def lightened(models: Path, family: str, bits: int) -> Path:
    return models / f"{family}-{lighter.BITS[bits]}"


@pytest.mark.parametrize(("family", "bits"), PAIRS)
@pytest.mark.slow
def test_a_lighter_graph_replays_within_what_its_golden_vectors_state(
    models: Path, family: str, bits: int
) -> None:
    folder = lightened(models, family, bits)
    golden, before = (parity.load(f / "golden.npz") for f in (folder, models / family))
    for name, array in before.items():
        np.testing.assert_array_equal(golden[name], array)
    found = quantize.agreement(Loaded(folder, "cpu").line(), golden)
    assert found["largest_difference"] <= float(golden["tolerance"])
    assert found["agreement"] >= float(golden["agreement"])
    assert float(golden["tolerance"]) == pytest.approx(BOUNDS[bits].logit)


@pytest.mark.parametrize(("family", "bits"), PAIRS)
@pytest.mark.slow
def test_the_card_and_the_manifest_say_what_it_costs(
    models: Path, family: str, bits: int
) -> None:
    folder = lightened(models, family, bits)
    figures = json.loads((folder / "figures.json").read_text())
    light, before = manifests.load(folder), manifests.load(models / family)
    assert figures["bytes"]["lighter"] < figures["bytes"]["float32"]
    assert abs(figures["nats_lost"]) <= BOUNDS[bits].nats
    nats = figures["nats"]["lighter"]["total"]
    assert light.quality["model_nats_total"] == nats
    assert (light.parameters, light.sources) == (before.parameters, before.sources)
    text = (folder / "README.md").read_text()
    for part in (f"{nats:.4f}", "standard error", before.name, "quantize"):
        assert part in text


@pytest.mark.slow
def test_a_lighter_folder_is_rewritten_from_its_figures(
    models: Path, tmp_path: Path
) -> None:
    whole, light = models / "event-gru", lightened(models, "event-gru", 8)
    again = tmp_path / light.name
    shutil.copytree(light, again)
    figures = json.loads((again / "figures.json").read_text())
    quantize.rewrite(again, whole, 8, figures)
    for file in sorted(light.iterdir()):
        assert (again / file.name).read_bytes() == file.read_bytes(), file.name
    figures["step_ms"]["lighter"]["p50"] = 0.001
    quantize.rewrite(again, whole, 8, figures)
    assert manifests.load(again).quality["cpu_step_ms_p50"] == 0.001
    assert "| 0.001 |" in (again / "README.md").read_text()


@pytest.mark.slow
def test_the_shipped_lighter_model_samples_as_the_whole_one() -> None:
    light, whole = (
        manifests.load(MODELS / name)
        for name in ("event-transformer-int8", "event-transformer")
    )
    assert light.sampling == whole.sampling
    card = (MODELS / light.name / "README.md").read_text()
    assert "weights and sampling of" in " ".join(card.split())
    assert "| human | 20263 |" in card


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.slow
def test_half_precision_changes_the_type_of_the_state_only(
    models: Path, family: str
) -> None:
    manifest = manifests.load(lightened(models, family, 16))
    state = {name for pair in manifest.state for name in pair}
    tensors = (*manifest.inputs, *manifest.outputs)
    assert {t.name for t in tensors if t.dtype == "float16"} == state


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.slow
def test_in_eight_bits_only_the_maps_that_end_in_logits_stay(
    models: Path, family: str
) -> None:
    graph = onnx.load(lightened(models, family, 8) / "model.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert "MatMulNBits" in kinds
    assert "MatMul" not in kinds
    left = [node for node in graph.node if node.op_type == "Gemm"]
    assert {node.output[0] for node in left} <= {o.name for o in graph.output}
    assert len(left) == 4


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.slow
def test_eight_bits_are_within_a_level_of_the_weights(
    models: Path, family: str
) -> None:
    """Blocks of a matrix, read back: byte × scale, from a zero of its own."""
    before = onnx.load(models / family / "model.onnx")
    after = lighter.in_eight_bits(before).graph
    constants = {t.name: numpy_helper.to_array(t) for t in after.initializer}
    whole = {t.name: numpy_helper.to_array(t) for t in before.graph.initializer}
    node = next(n for n in after.node if n.op_type == "MatMulNBits")
    bytes_, scale, zero = (constants[name] for name in node.input[1:4])
    blocks = bytes_.astype(np.float32) - zero.reshape(*bytes_.shape[:2], 1)
    read = (blocks * scale.reshape(*bytes_.shape[:2], 1)).reshape(len(bytes_), -1)
    name = node.input[1].removesuffix("_Q8")
    matrix = whole.get(name.removesuffix("_turned"), whole.get(name))
    assert matrix is not None
    matrix = matrix if name.endswith("_turned") else matrix.T
    level = scale.reshape(*bytes_.shape[:2]).repeat(lighter.BLOCK, 1)
    # Half a level by rounding, and as much again where the zero was rounded.
    assert (np.abs(read - matrix) <= 1.01 * level).all()


@pytest.mark.slow
def test_a_graph_is_not_changed_in_place(models: Path) -> None:
    graph = onnx.load(models / "event-gru" / "model.onnx")
    before = graph.SerializeToString()
    lighter.in_eight_bits(graph)
    lighter.in_half(graph, ("state", "next_state"), CONTROLS)
    assert graph.SerializeToString() == before


@pytest.mark.parametrize(
    ("bound", "what"),
    [
        (Bound(0.0, 0.0, 9.0), "differs by .* in a logit"),
        (Bound(9.0, 1.1, 9.0), "samples .* of the golden events alike"),
        (Bound(9.0, 0.0, -9.0), "loses .* nats an event"),
    ],
)
@pytest.mark.slow
def test_a_quantised_model_that_loses_too_much_is_not_published(
    bound: Bound,
    what: str,
    models: Path,
    packed: Packed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(BOUNDS, 8, bound)
    with pytest.raises(ModelError, match=what):
        quantize.quantize(models / "event-gru", 8, packed, tmp_path, crops=1)
    assert not list(tmp_path.iterdir())


def test_only_step_models_are_quantised(packed: Packed, tmp_path: Path) -> None:
    folder = tmp_path / "voices"
    folder.mkdir()
    for file in ("model.onnx", "golden.npz"):
        (folder / file).write_bytes((MODELS / "event-gru" / file).read_bytes())
    told = msgspec.structs.replace(
        manifests.load(MODELS / "event-gru"),
        interface="voices",
        fingerprint=voices.fingerprint(),
    )
    (folder / "manifest.json").write_bytes(msgspec.json.encode(told))
    with pytest.raises(SettingsError, match="voices model; only step models"):
        quantize.quantize(folder, 8, packed, tmp_path, crops=1)


@pytest.mark.usefixtures("packed")
@pytest.mark.slow
def test_the_command_finds_a_model_by_its_name(
    models: Path, run: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["quantize", "event-gru", "--bits", "16", "--crops", "1"]
    places = ["--data", str(data), "--run", str(run), "--models", str(models)]
    assert main([*command, *places]) == 0
    assert "event-gru-fp16 is in" in capsys.readouterr().out
