"""Who dances: body proportions and colours.

Colours are linear RGB.  Morph targets are MakeHuman's, by file name without extension.
"""

from dataclasses import dataclass, replace
from typing import Any

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """A body and what it wears."""

    morphs: tuple[tuple[str, float], ...]
    skin: RGB
    blush: RGB
    beard: float  # strength of the shaven beard, 0 to 1
    shirt: RGB
    stripe: RGB
    stripe_y_m: tuple[float, float]  # height of the stripe's edges at rest
    trousers: RGB
    hair: RGB  # darkest
    hair_shine: RGB  # added in the lightest strands


_SMILE = (
    ("expression/units/caucasian/mouth-corner-puller", 0.55),
    ("expression/units/caucasian/eye-left-opened-up", 0.45),
    ("expression/units/caucasian/eye-right-opened-up", 0.45),
)

# a slim adult man of average looks, 1.68 m
FIRST_LOOK = Look(
    morphs=(
        ("macrodetails/caucasian-male-young", 0.45),
        ("macrodetails/asian-male-young", 0.30),
        ("macrodetails/african-male-young", 0.25),
        ("macrodetails/universal-male-young-averagemuscle-averageweight", 0.80),
        ("macrodetails/universal-male-young-maxmuscle-averageweight", 0.20),
        ("macrodetails/height/male-young-averagemuscle-averageweight-minheight", 0.12),
        ("macrodetails/proportions/male-young-averagemuscle-averageweight-idealproportions", 0.35),
        *_SMILE,
    ),
    skin=(0.52, 0.285, 0.185),
    blush=(0.60, 0.22, 0.16),
    beard=0.20,
    shirt=(0.050, 0.165, 0.235),
    stripe=(0.66, 0.62, 0.55),
    stripe_y_m=(1.182, 1.222),
    trousers=(0.175, 0.140, 0.105),
    hair=(0.018, 0.011, 0.007),
    hair_shine=(0.050, 0.031, 0.018),
)

# a sturdier adult woman with darker skin
SECOND_LOOK = Look(
    morphs=(
        ("macrodetails/african-female-young", 0.60),
        ("macrodetails/asian-female-young", 0.15),
        ("macrodetails/caucasian-female-young", 0.25),
        ("macrodetails/universal-female-young-averagemuscle-averageweight", 0.65),
        ("macrodetails/universal-female-young-averagemuscle-maxweight", 0.35),
        *_SMILE,
    ),
    skin=(0.235, 0.115, 0.068),
    blush=(0.30, 0.10, 0.065),
    beard=0.0,
    shirt=(0.42, 0.085, 0.050),
    stripe=(0.42, 0.085, 0.050),
    stripe_y_m=(1.10, 1.14),
    trousers=(0.035, 0.042, 0.060),
    hair=(0.012, 0.009, 0.008),
    hair_shine=(0.030, 0.022, 0.017),
)

_MALE_HEIGHT = "macrodetails/height/male-young-averagemuscle-averageweight-"
_FEMALE_HEIGHT = "macrodetails/height/female-young-averagemuscle-averageweight-"

# the man, 1.82 m
TALL_LOOK = replace(FIRST_LOOK, morphs=(*FIRST_LOOK.morphs, (_MALE_HEIGHT + "maxheight", 0.19)))

# the woman, 1.55 m
SHORT_LOOK = replace(SECOND_LOOK, morphs=(*SECOND_LOOK.morphs, (_FEMALE_HEIGHT + "minheight", 0.20)))

# a slim woman with light skin and brown hair
THIRD_LOOK = Look(
    morphs=(
        ("macrodetails/caucasian-female-young", 0.55),
        ("macrodetails/asian-female-young", 0.45),
        ("macrodetails/universal-female-young-averagemuscle-averageweight", 0.55),
        ("macrodetails/universal-female-young-averagemuscle-minweight", 0.45),
        (_FEMALE_HEIGHT + "maxheight", 0.20),
        *_SMILE,
    ),
    skin=(0.56, 0.33, 0.235),
    blush=(0.64, 0.25, 0.19),
    beard=0.0,
    shirt=(0.46, 0.36, 0.075),
    stripe=(0.46, 0.36, 0.075),
    stripe_y_m=(1.10, 1.14),
    trousers=(0.060, 0.115, 0.085),
    hair=(0.045, 0.022, 0.010),
    hair_shine=(0.110, 0.060, 0.030),
)

# what a company wears
_COSTUME: dict[str, Any] = {
    "shirt": (0.235, 0.060, 0.150),
    "stripe": (0.235, 0.060, 0.150),
    "trousers": (0.045, 0.045, 0.050),
    "hair": (0.014, 0.010, 0.008),
    "hair_shine": (0.034, 0.024, 0.018),
}
COSTUME_TALL_LOOK = replace(TALL_LOOK, **_COSTUME)
COSTUME_SHORT_LOOK = replace(SHORT_LOOK, skin=(0.40, 0.21, 0.135), blush=(0.47, 0.16, 0.115), **_COSTUME)
