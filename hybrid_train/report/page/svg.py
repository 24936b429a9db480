"""Figures as SVG that stands inside a page: no style attributes, no ids that meet, values under the pointer.

A page whose security policy allows no inline style cannot hold what Matplotlib writes, so style attributes become
presentation attributes, which are no style in the eyes of that policy and yield to the page's own sheet.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

_MOST_POINTS = 120
"""Points of a curve that tell their values."""

_TARGET = "5"
"""Radius, in points, of what reacts to the pointer."""

_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_MARKUP = re.compile(r"\\(?:mathrm|mathit|operatorname)|\\[,;! ]|[${}]")


def inline_svg(figure: Figure, name: str, description: str) -> str:
    """Return a figure as one ``<svg>`` element.

    Args:
        figure: laid out as it is saved.
        name: begins every id in it; unlike those of other figures of the page.
        description: read out in the place of the picture.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(buffer.getvalue())
    for element in root.iter():
        _plain(element)
    for parent in root.iter():
        for child in [child for child in parent if child.tag in {"metadata", "style"}]:
            parent.remove(child)
    _rename(root, name)
    height = root.attrib.pop("height")
    root.attrib.pop("version", None)
    root.set("width", f"{1.35 * float(root.attrib['width'].removesuffix('pt')):.0f}")
    root.attrib |= {"role": "img", "aria-label": description, "fill": "currentColor", "stroke-linejoin": "round"}
    _add_values(root, figure, float(height.removesuffix("pt")))
    return ElementTree.tostring(root, encoding="unicode")


def _plain(element: ElementTree.Element) -> None:
    """Drop namespaces, and turn the style attribute into presentation attributes."""
    element.tag = element.tag.rpartition("}")[2]
    style = element.attrib.pop("style", "")
    found = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
    for declaration in filter(None, (part.strip() for part in style.split(";"))):
        key, _, value = declaration.partition(":")
        found[key.strip()] = value.strip()
    element.attrib.clear()
    element.attrib.update(found)
    if element.tag != "svg":
        element.text = element.tail = None


def _rename(root: ElementTree.Element, name: str) -> None:
    """Keep the ids that are referred to, under names of this figure's own."""
    wanted: dict[str, str] = {}
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == "href" and value.startswith("#"):
                wanted.setdefault(value[1:], f"{name}-{len(wanted)}")
            for match in _REFERENCE.finditer(value):
                wanted.setdefault(match[1], f"{name}-{len(wanted)}")
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in wanted:
            element.set("id", wanted[own])
        for key, value in list(element.attrib.items()):
            if key == "href" and value.startswith("#"):
                element.set(key, f"#{wanted[value[1:]]}")
            else:
                element.set(key, _REFERENCE.sub(lambda match: f"url(#{wanted[match[1]]})", value))


def _add_values(root: ElementTree.Element, figure: Figure, height: float) -> None:
    """Lay circles that nobody sees over the points drawn; each tells its values."""
    scale = 72.0 / figure.dpi
    layer = ElementTree.SubElement(root, "g", {"class": "values", "fill-opacity": "0"})
    for ax in figure.axes:
        for label, shown, pixels in _curves(ax):
            for (x, y), (left, up) in zip(shown, pixels * scale, strict=True):
                at = {"cx": f"{left:.1f}", "cy": f"{height - up:.1f}", "r": _TARGET}
                title = ElementTree.SubElement(ElementTree.SubElement(layer, "circle", at), "title")
                title.text = f"{label}\n{words(ax.get_xlabel()) or 'x'}: {x:.6g}\n{_quantity(ax)}: {y:.6g}"


def _quantity(ax: Axes) -> str:
    """Return what the vertical axis shows; panels that share one name it once."""
    named = [ax, *ax.get_shared_y_axes().get_siblings(ax)]
    return next((words(one.get_ylabel()) for one in named if one.get_ylabel()), "value")


def _curves(ax: Axes) -> Iterator[tuple[str, npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """Yield the curves and clouds of a panel: label, values (n, 2), pixels (n, 2) of those that are in sight."""
    lines = [line for line in ax.get_lines() if line.get_transform() == ax.transData]  # no rule across the panel
    clouds = [one for one in ax.collections if isinstance(one, PathCollection)]
    drawn: list[tuple[Artist, npt.NDArray[np.float64]]] = [
        *((line, np.asarray(line.get_xydata(), dtype=np.float64)) for line in lines),
        *((one, np.asarray(one.get_offsets(), dtype=np.float64)) for one in clouds),
    ]
    for artist, values in drawn:
        label = str(artist.get_label())
        if label.startswith("_") or not artist.get_visible() or not len(values):
            continue
        pixels = ax.transData.transform(values)
        rows = np.flatnonzero(_inside(ax, pixels))
        if len(rows) > _MOST_POINTS:
            rows = rows[np.unique(np.linspace(0, len(rows) - 1, _MOST_POINTS).astype(np.int64))]
        yield words(label), values[rows], pixels[rows]


def _inside(ax: Axes, pixels: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    box = ax.get_window_extent().padded(2.0)
    x, y = pixels.T
    with np.errstate(invalid="ignore"):
        return np.asarray((box.x0 <= x) & (x <= box.x1) & (box.y0 <= y) & (y <= box.y1))


def words(label: str) -> str:
    """Return a label of a figure as plain words, without the marks of mathematics."""
    return " ".join(_MARKUP.sub("", label).split())
