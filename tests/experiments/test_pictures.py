import numpy as np
import pytest
from PIL import Image

from experiments.reporting import pictures
from jaxgan import pixels


def test_pixels_invert_the_scaling_and_are_clipped():
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(
        pixels.to_pixels(levels.astype(np.float32) / 127.5 - 1), levels
    )
    assert pixels.to_pixels(np.array([-3.0, 3.0])).tolist() == [0, 255]


def test_a_grid_keeps_row_order_and_pads_the_last_row():
    images = np.arange(1, 6, dtype=np.uint8)[:, None, None, None] * np.ones(
        (1, 4, 3, 1), np.uint8
    )
    grid = pictures.image_grid(images, 3)
    assert grid.shape == (2 * 6 + 2, 3 * 5 + 2)
    centres = grid[3::6, 3::5]
    assert centres.tolist() == [[1, 2, 3], [4, 5, 0]]
    with pytest.raises(ValueError, match="columns must be at least 1, got 0"):
        pictures.image_grid(images, 0)


def test_images_and_animations_can_be_read_back(tmp_path):
    frames = [tmp_path / f"{value}.png" for value in (0, 90, 200)]
    for frame in frames:
        pictures.save_image(frame, np.full((6, 8), int(frame.stem), np.uint8))
    with Image.open(frames[1]) as image:
        assert image.size == (16, 12)
    pictures.save_animation(tmp_path / "film.gif", frames, seconds=0.3)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 3 and film.info["loop"] == 0  # pyright: ignore
        film.seek(2)
        assert film.info["duration"] == 1500
    with pytest.raises(ValueError, match="at least one frame"):
        pictures.save_animation(tmp_path / "none.gif", [], seconds=1.0)


def test_curves_show_what_was_logged_and_leave_out_what_was_not(tmp_path):
    rows = [
        {"epoch": e, "critic_loss": -e, "generator_loss": e, "wasserstein_estimate": 2}
        for e in (1, 2, 3)
    ]
    figure = pictures.losses_figure(rows, title="gan")
    assert len(figure.axes) == 2, "no panel for a penalty that there is not"
    figure = pictures.losses_figure(
        [{**row, "gradient_norm": 1.0} for row in rows], title="wgan"
    )
    top, middle, bottom = figure.axes
    assert [len(axes.lines) for axes in (top, middle, bottom)] == [1, 2, 1]
    np.testing.assert_array_equal(middle.lines[0].get_ydata(), [-1, -2, -3])
