"""Mouths warp onto each other as their meshes say, and the repair net learns from such pairs."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from heygem.engines.mesh.mouth_crop import MouthMasks, teeth_origin, teeth_places
from heygem.engines.mesh.teeth.display import display_of
from heygem.engines.mesh.teeth.seen import SeenTeeth
from heygem.models.mouth import CROP_PX, INPUT_CHANNELS, PICTURE_CHANNELS
from heygem.templates.canonical import CanonicalFace
from training.mouth_display import displays, masks_of
from training.mouth_lesson import Recipe, lay_out, learn, varied
from training.mouth_material import Mouths, load_mouths
from training.mouth_pairs import UNFIT, Pairs, PairSource, is_fit
from training.mouth_reference import other_teeth, seen_at
from training.mouth_repair import RECIPES, save, saved

FACE = Path(__file__).parents[2] / "models" / "face-landmarker" / "canonical_face.npz"
PX_PER_UNIT = CROP_PX / 0.64
OPENINGS = (0.0, 0.0, 0.02, 0.04, 0.05, 0.06)  # canonical; the lower lip and all below go down by these


def face_at(opening: float) -> np.ndarray:
    """(478,2) landmarks in crop pixels of the mean face with its jaw lowered."""
    face = CanonicalFace.load(FACE)
    points = np.zeros((478, 2), np.float32)
    points[:468] = face.vertices[:, :2]
    points[:468, 1] += np.where(points[:468, 1] > 0.24, opening, 0.0)
    middle = face.vertices[[61, 291], :2].mean(0)
    return (points - middle) * PX_PER_UNIT + CROP_PX / 2


def write_shard(path: Path, clip_names: list[str], step_seconds: float) -> None:
    """Flat skin, a red line where the chin is: it moves with the jaw."""
    jpegs, points, clips, times = [], [], [], []
    for number, _ in enumerate(clip_names):
        for frame, opening in enumerate(OPENINGS):
            landmarks = face_at(opening)
            picture = np.full((CROP_PX, CROP_PX, 3), (120, 150, 190), np.uint8)
            row = int(landmarks[17, 1]) + 8
            picture[row : row + 6] = (40, 40, 200)
            jpegs.append(cv2.imencode(".jpg", picture)[1].reshape(-1))
            points.append(landmarks - CROP_PX / 2)
            clips.append(number)
            times.append(frame * step_seconds)
    np.savez(
        path,
        ids=np.array(clip_names),
        clip=np.array(clips),
        jpeg=np.concatenate(jpegs),
        offset=np.concatenate([[0], np.cumsum([len(jpeg) for jpeg in jpegs])]),
        points=np.array(points, np.float16),
        time=np.array(times),
        gap=np.tile(np.array(OPENINGS, np.float32) / 0.556, len(clip_names)),
    )


@pytest.fixture(scope="module")
def mouths(tmp_path_factory: pytest.TempPathFactory) -> Mouths:
    folder = tmp_path_factory.mktemp("mouths")
    write_shard(folder / "bundle-00.npz", ["a", "b"], step_seconds=0.04)
    lines = ["id\tsplit\tbundle\tgenerated", "a\ttrain\tyes\t0", "b\tval\tyes\t1"]
    (folder / "INDEX.tsv").write_text("\n".join(lines), encoding="utf-8")
    face = CanonicalFace.load(FACE)
    return load_mouths([folder / "bundle-00.npz"], folder / "INDEX.tsv", face, torch.device("cpu"))


def test_a_mouth_warped_onto_itself_stays(mouths: Mouths) -> None:
    crops = torch.tensor([0, 3])
    assert (mouths.warped(crops, crops) - mouths.picture(crops)).abs().mean() < 2e-3


def test_a_warp_takes_the_chin_along(mouths: Mouths) -> None:
    closed, wide = torch.tensor([0]), torch.tensor([5])
    near = (slice(None), slice(None), slice(100, 150), slice(60, 100))
    truth = mouths.picture(wide)[near]
    left_alone = (mouths.picture(closed)[near] - truth).abs().mean()
    assert (mouths.warped(closed, wide)[near] - truth).abs().mean() < 0.3 * left_alone


def test_pairs_are_of_one_clip_and_never_show_the_answer(mouths: Mouths) -> None:
    source = PairSource(mouths, np.array([True, False]), love_of_detail=1.0, seed=0)
    for _ in range(20):
        pairs = source.draw(singles=4, couples=2)
        assert (mouths.clip[torch.cat([pairs.source, pairs.target, pairs.reference])] == 0).all()
        assert (pairs.reference[:6] != pairs.target[:6]).all()
        assert (pairs.target[-2:] - pairs.target[-4:-2] == 1).all()


@pytest.mark.parametrize(
    ("change", "fit"),
    [({}, True), ({"split": "val"}, False), ({"bundle": "no"}, False), ({"id": next(iter(UNFIT))}, False)],
)
def test_only_clips_that_may_and_should_be_learnt_from_are(change: dict[str, str], fit: bool) -> None:
    assert is_fit({"id": "a", "split": "train", "bundle": "yes"} | change) is fit


def test_inputs_are_those_of_the_product(mouths: Mouths) -> None:
    """Masks and places on the teeth come out as the painter makes them."""
    pairs = Pairs(torch.tensor([0]), torch.tensor([4]), torch.tensor([5]), torch.tensor([0.0]))
    inputs = lay_out(mouths, pairs).inputs[0].numpy()
    vertices = mouths.vertices[4].numpy().astype(np.float64)
    masks = MouthMasks.of(vertices)
    assert inputs.shape == (INPUT_CHANNELS, CROP_PX, CROP_PX)
    np.testing.assert_allclose(inputs[3:5], np.stack([masks.inner, masks.lips]) * 2 - 1, atol=0.01)
    np.testing.assert_allclose(inputs[PICTURE_CHANNELS:], teeth_places(teeth_origin(vertices)), atol=0.01)
    assert not inputs[5:9].any() and not inputs[10].any()


def test_a_reference_is_moved_as_the_product_moves_it(mouths: Mouths) -> None:
    reference, target = torch.tensor([5]), torch.tensor([4])
    picture, where = seen_at(mouths, reference, target)
    inner = mouths.mask(reference)[0, 0].numpy()
    picture_of = mouths.images[5].numpy().astype(np.float32)
    seen = SeenTeeth(picture_of, inner, np.zeros_like(inner), mouths.origin[5].numpy(), 0.1)
    placed = seen.at(mouths.origin[4].numpy())
    crop, shown = placed.picture, placed.inside
    np.testing.assert_allclose(where[0, 0], shown, atol=1e-3)
    np.testing.assert_allclose(
        (picture[0].permute(1, 2, 0).numpy() + 1) * 127.5 * shown[..., None],
        crop * shown[..., None],
        atol=0.1,
    )


def test_teeth_change_where_they_are_shown_and_only_then(mouths: Mouths) -> None:
    """And the truth changes as what is shown does, between the lips alone."""
    pairs = Pairs(*torch.tensor([[0, 0], [4, 4], [5, 5]]), torch.tensor([1.0, 0.0]))
    canvas = lay_out(mouths, pairs)
    inner = canvas.masks[:, :1]
    inputs, truth = other_teeth(canvas.inputs, canvas.truth, inner, torch.Generator().manual_seed(3))
    assert torch.equal(inputs[1], canvas.inputs[1]) and torch.equal(truth[1], canvas.truth[1])
    changed = (truth[0] - canvas.truth[0]).abs()
    assert changed[inner[0].expand(3, -1, -1) == 0].max() == 0 and changed.max() > 0.05
    assert torch.equal(inputs[0, :5], canvas.inputs[0, :5]) and torch.equal(
        inputs[0, 9:], canvas.inputs[0, 9:]
    )
    assert not torch.equal(inputs[0, 5:9], canvas.inputs[0, 5:9])


def test_what_is_displayed_is_told_as_the_product_tells_it(mouths: Mouths) -> None:
    crops = torch.arange(6)
    told = displays(mouths.picture(crops), mouths.mask(crops)).numpy()
    product = [
        display_of(mouths.images[crop].numpy().astype(np.float32), masks_of(mouths, crop))
        for crop in range(6)
    ]
    np.testing.assert_allclose(told, product, atol=0.01)
    assert told.max() > 0.2


def test_light_and_colour_change_but_not_the_mouth(mouths: Mouths) -> None:
    pairs = Pairs(torch.tensor([0]), torch.tensor([4]), torch.tensor([5]), torch.tensor([1.0]))
    canvas = lay_out(mouths, pairs)
    other = varied(canvas, 0.1, np.random.default_rng(0), torch.Generator().manual_seed(0))
    mirrored = other.masks.flip(-1)
    assert torch.equal(other.masks, canvas.masks) or torch.equal(mirrored, canvas.masks)
    assert (other.truth - canvas.truth).abs().mean() > 1e-3


def test_the_net_learns(mouths: Mouths) -> None:
    recipe = Recipe(
        steps=3, inside=0.5, critic=0.1, likeness=0.1, tint=0.1, love_of_detail=1.0, singles=1, couples=1
    )
    net = learn(mouths, np.array([True, False]), recipe, seed=0)
    assert all(torch.isfinite(weight).all() for weight in net.parameters())
    assert float(net.leave.weight.detach().abs().max()) > 0


def test_weights_can_be_measured_again(tmp_path: Path) -> None:
    nets = [
        {"leave.bias": np.full(3, number, np.float16), "atlas": np.zeros((1, 2), np.float16)}
        for number in range(len(RECIPES))
    ]
    save(nets, tmp_path / "model.safetensors")
    for net, again in zip(nets, saved(tmp_path / "model.safetensors"), strict=True):
        assert net.keys() == again.keys()
        assert all((net[name] == again[name]).all() for name in net)
