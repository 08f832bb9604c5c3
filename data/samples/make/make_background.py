#!/usr/bin/env python3
"""Render the room behind the dancer once, with Blender's Cycles.

    python data/samples/make/make_background.py background.npz --camera portrait

Needs bpy 5.0.1 (PyPI), which wants Python 3.11.  Everything in the room is made here; no asset is
loaded.  Writes linear RGB (array `rgb`, float16).
"""

import argparse
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from dancer.camera import CAMERAS, Camera
from mathutils import Vector

RGB = tuple[float, float, float]
BOOK_COLOURS = (
    (0.35, 0.07, 0.05),
    (0.06, 0.15, 0.30),
    (0.42, 0.33, 0.10),
    (0.07, 0.22, 0.12),
    (0.35, 0.33, 0.30),
)


def to_blender(p: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """From the dancer's axes (y up) to Blender's (z up)."""
    p = np.asarray(p, float)
    return np.stack([p[..., 0], -p[..., 2], p[..., 1]], -1)


class Material:
    """A principled material whose base colour may come from nodes."""

    def __init__(self, name: str, color: RGB = (0.8, 0.8, 0.8), rough: float = 0.6, spec: float = 0.4) -> None:
        self.data = bpy.data.materials.new(name)
        self.data.use_nodes = True
        self.tree = self.data.node_tree
        self.shader = self.tree.nodes["Principled BSDF"]
        self.shader.inputs["Base Color"].default_value = (*color, 1)
        self.shader.inputs["Roughness"].default_value = rough
        self.shader.inputs["Specular IOR Level"].default_value = spec

    def node(self, kind: str, **inputs: Any) -> Any:
        """Add a node; inputs are named with underscores for blanks."""
        n = self.tree.nodes.new(kind)
        for name, value in inputs.items():
            n.inputs[name.replace("_", " ")].default_value = value
        return n

    def link(self, source: Any, target: Any) -> None:
        """Connect an output to an input."""
        self.tree.links.new(source, target)

    def object_coordinates(self) -> Any:
        """Output with the object's own coordinates."""
        return self.node("ShaderNodeTexCoord").outputs["Object"]

    def ramp(self, source: Any, *stops: tuple[float, RGB]) -> Any:
        """Map a factor to colours; the output."""
        r = self.node("ShaderNodeValToRGB")
        elements = r.color_ramp.elements
        for e, (position, color) in zip((elements[0], elements[1]), (stops[0], stops[-1]), strict=True):
            e.position, e.color = position, (*color, 1)
        for position, color in stops[1:-1]:
            elements.new(position).color = (*color, 1)
        self.link(source, r.inputs["Fac"])
        return r.outputs["Color"]

    def colour_from(self, source: Any) -> "Material":
        """Take the base colour from an output."""
        self.link(source, self.shader.inputs["Base Color"])
        return self


def add_mesh(name: str, verts_m: npt.NDArray[np.float64], faces: Sequence[Sequence[int]], material: Material) -> None:
    """Put a mesh given in the dancer's axes into the room."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(to_blender(verts_m).tolist(), [], faces)
    mesh.materials.append(material.data)
    bpy.context.collection.objects.link(bpy.data.objects.new(name, mesh))


def box(name: str, low_m: RGB, high_m: RGB, material: Material) -> None:
    """Put a box between two corners into the room."""
    low, high = np.array(low_m, float), np.array(high_m, float)
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    add_mesh(name, low + corners * (high - low), faces, material)


def floor() -> None:
    """Boards with a grain along them."""
    m = Material("floor", rough=0.42, spec=0.35)
    place = m.object_coordinates()
    boards = m.node("ShaderNodeTexBrick", Color1=(0.30, 0.175, 0.09, 1), Color2=(0.235, 0.13, 0.065, 1))
    for name, value in (("Scale", 1.0), ("Mortar Size", 0.004), ("Brick Width", 1.25), ("Row Height", 0.14)):
        boards.inputs[name].default_value = value
    boards.inputs["Mortar"].default_value = (0.08, 0.045, 0.025, 1)
    stretched = m.node("ShaderNodeMapping", Scale=(1.5, 18, 1))
    noise = m.node("ShaderNodeTexNoise", Scale=3.0, Detail=6.0)
    mix = m.node("ShaderNodeMix")
    mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
    mix.inputs["Factor"].default_value = 0.55
    m.link(place, boards.inputs["Vector"])
    m.link(place, stretched.inputs["Vector"])
    m.link(stretched.outputs["Vector"], noise.inputs["Vector"])
    grain = m.ramp(noise.outputs["Fac"], (0.3, (0.55, 0.5, 0.45)), (0.7, (1.15, 1.1, 1.05)))
    m.link(boards.outputs["Color"], mix.inputs[6])  # the sockets of colours share their names with others
    m.link(grain, mix.inputs[7])
    m.colour_from(mix.outputs[2])
    box("floor", (-4, -0.1, -1.8), (4, 0, 4), m)


def wall() -> None:
    """Plaster and a skirting board."""
    m = Material("wall", rough=0.9, spec=0.1)
    noise = m.node("ShaderNodeTexNoise", Scale=2.2, Detail=8.0)
    m.link(m.object_coordinates(), noise.inputs["Vector"])
    m.colour_from(m.ramp(noise.outputs["Fac"], (0.3, (0.60, 0.575, 0.53)), (0.7, (0.70, 0.675, 0.63))))
    box("wall", (-4, 0, -1.9), (4, 3.2, -1.8), m)
    box("skirting", (-4, 0, -1.8), (4, 0.10, -1.78), Material("white", (0.78, 0.77, 0.74), 0.5))


def picture(wood: Material) -> None:
    """A framed print of waves."""
    box("frame", (0.42, 1.22, -1.8), (0.98, 1.98, -1.765), wood)
    m = Material("print", rough=0.5)
    waves = m.node("ShaderNodeTexWave", Scale=2.2, Distortion=5.0)
    m.link(m.object_coordinates(), waves.inputs["Vector"])
    stops = ((0.0, (0.55, 0.24, 0.10)), (0.4, (0.70, 0.55, 0.25)), (0.7, (0.10, 0.28, 0.30)), (1.0, (0.55, 0.62, 0.55)))
    m.colour_from(m.ramp(waves.outputs["Fac"], *stops))
    box("print", (0.46, 1.26, -1.79), (0.94, 1.94, -1.76), m)


def shelf(wood: Material) -> None:
    """A low shelf with books and a plant."""
    box("shelf", (-1.25, 0.0, -1.78), (-0.45, 0.62, -1.48), Material("shelf", (0.62, 0.60, 0.56), 0.5))
    box("shelf_top", (-1.28, 0.62, -1.79), (-0.42, 0.65, -1.46), wood)
    r = np.random.default_rng(4)
    x = -1.02
    while x < -0.62:
        w, h = r.uniform(0.02, 0.045), r.uniform(0.17, 0.25)
        c = np.array(BOOK_COLOURS)[r.integers(5)] * r.uniform(0.7, 1.2)
        box("book", (x, 0.65, -1.72), (x + w * 0.94, 0.65 + h, -1.56), Material("book", tuple(c), 0.6))
        x += w
    box("pot", (-0.58, 0.65, -1.69), (-0.46, 0.77, -1.57), Material("pot", (0.48, 0.19, 0.10), 0.7))
    verts: list[Any] = []
    faces = []
    for _ in range(26):
        a, tilt, length = r.uniform(0, 6.28), r.uniform(0.1, 1.0), r.uniform(0.16, 0.30)
        d = np.array([math.cos(a) * math.sin(tilt), math.cos(tilt), math.sin(a) * math.sin(tilt)])
        w = np.cross(d, [0, 1, 0.01])
        w = w / np.linalg.norm(w) * 0.022
        root, i = np.array([-0.52, 0.76, -1.63]), len(verts)
        middle, tip = root + d * length * 0.5, root + d * length + np.array([0, -0.06, 0])
        verts += [root, middle + w, middle - w, tip]
        faces += [[i, i + 1, i + 3, i + 2]]
    add_mesh("leaves", np.array(verts), faces, Material("leaf", (0.045, 0.16, 0.045), 0.5))


def rug() -> None:
    """A chequered rug under the dancer."""
    m = Material("rug", rough=0.95, spec=0.05)
    check = m.node("ShaderNodeTexChecker", Color1=(0.30, 0.29, 0.27, 1), Color2=(0.24, 0.235, 0.225, 1), Scale=9.0)
    m.link(m.object_coordinates(), check.inputs["Vector"])
    m.colour_from(check.outputs["Color"])
    box("rug", (-1.05, -0.02, -0.75), (1.05, 0.003, 1.0), m)


def area_light(name: str, place_m: RGB, target_m: RGB, size_m: float, power_w: float, color: RGB) -> None:
    """Hang a square light that looks at a target."""
    light = bpy.data.lights.new(name, "AREA")
    light.energy, light.size, light.color = power_w, size_m, color
    ob = bpy.data.objects.new(name, light)
    bpy.context.collection.objects.link(ob)
    place, target = to_blender(place_m), to_blender(target_m)
    ob.location = place
    ob.rotation_euler = Vector(target - place).to_track_quat("-Z", "Y").to_euler()


def lights() -> None:
    """Key, fill and back light, and the sky; dancer/lights.py knows the same ones."""
    area_light("key", (-1.9, 2.9, 2.4), (0, 1.0, 0), 1.3, 120, (1.0, 0.95, 0.88))
    area_light("fill", (2.4, 2.0, 2.2), (0, 1.0, 0), 1.8, 38, (0.88, 0.94, 1.0))
    area_light("back", (1.2, 2.7, -1.2), (0, 1.3, 0), 0.7, 22, (1.0, 0.97, 0.92))
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    world.use_nodes = True
    sky = world.node_tree.nodes["Background"]
    sky.inputs["Color"].default_value = (0.80, 0.84, 0.90, 1)
    sky.inputs["Strength"].default_value = 0.32


def place_camera(camera: Camera) -> None:
    """Put Blender's camera where the dancer's is."""
    c = bpy.data.cameras.new("cam")
    c.sensor_fit, c.sensor_height = "VERTICAL", 24.0
    c.lens = camera.focal_px / camera.height_px * c.sensor_height
    ob = bpy.data.objects.new("cam", c)
    bpy.context.collection.objects.link(ob)
    ob.location = (0, -camera.distance_m, camera.above_floor_m)
    ob.rotation_euler = (math.pi / 2, 0, 0)
    bpy.context.scene.camera = ob


def render(camera: Camera, samples: int) -> npt.NDArray[np.float32]:
    """Linear RGB picture, ndarray of shape (height_px, width_px, 3)."""
    s = bpy.context.scene
    s.render.engine = "CYCLES"
    s.cycles.device = "CPU"
    s.cycles.samples = samples
    s.cycles.use_adaptive_sampling = False
    s.cycles.use_denoising = True
    s.cycles.denoiser = "OPENIMAGEDENOISE"
    s.cycles.max_bounces, s.cycles.diffuse_bounces, s.cycles.glossy_bounces = 4, 4, 2
    s.cycles.caustics_reflective = s.cycles.caustics_refractive = False
    s.cycles.sample_clamp_indirect = 2.0
    w, h = camera.width_px, camera.height_px
    s.render.resolution_x, s.render.resolution_y, s.render.resolution_percentage = w, h, 100
    s.render.image_settings.file_format = "OPEN_EXR"
    s.render.image_settings.color_depth = "32"
    with tempfile.TemporaryDirectory() as tmp:
        s.render.filepath = tmp + "/room.exr"
        bpy.ops.render.render(write_still=True)
        im = bpy.data.images.load(tmp + "/room.exr")
        return np.array(im.pixels[:], np.float32).reshape(h, w, 4)[::-1, :, :3]


def main() -> None:
    """Build the room, look at it, write it."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out", type=Path, help="npz to write")
    ap.add_argument("--camera", choices=CAMERAS, default="portrait")
    ap.add_argument("--samples", type=int, default=96, help="light paths per pixel")
    a = ap.parse_args()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    wood = Material("wood", (0.16, 0.085, 0.045), 0.5)
    floor()
    wall()
    picture(wood)
    shelf(wood)
    rug()
    lights()
    place_camera(CAMERAS[a.camera])
    np.savez_compressed(a.out, rgb=render(CAMERAS[a.camera], a.samples).astype(np.float16))


if __name__ == "__main__":
    main()
