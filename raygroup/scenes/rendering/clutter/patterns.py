"""Draw patterns and grown things: stripes, bar codes, dots, plates, strokes, leaves and people.

Some have lines and rows like text. None has a shape of a letter: bars are all parallel, and dots and plates stand apart.
"""

import math

import numpy as np

from raygroup.scenes.rendering.backgrounds import Random, random_colour
from raygroup.scenes.rendering.clutter.sheet import DrawObject, Sheet, draw_step, empty_sheet, full_sheet, vary


def _stripes(width: int, height: int, random: Random) -> Sheet:
    """Draw stripes of two or three colours: blinds, awnings, crossings."""
    colours = [random_colour(random, 0.1, 1.0) for _ in range(int(random.integers(2, 4)))]
    sheet = full_sheet(width, height, colours[0])
    is_upright, slant = random.random() < 0.5, float(random.choice([0, 0, 0.5, 1.0]))
    length, across = (height, width) if is_upright else (width, height)
    step = draw_step(0.02, 0.15, across, random)
    for number, start in enumerate(range(-int(slant * length), across, step)):
        ends = np.array([(start, 0), (start + step, 0), (start + step + slant * length, length), (start + slant * length, length)])
        sheet.fill_polygon(ends if is_upright else ends[:, ::-1], colours[number % len(colours)])
    return sheet


def _bar_code(width: int, height: int, random: Random) -> Sheet:
    """Draw bars of one to four units on a label."""
    dark, light = random_colour(random, 0.0, 0.25), random_colour(random, 0.8, 1.0)
    sheet = full_sheet(width, height, light)
    unit = max(width // int(random.integers(40, 110)), 1)
    x, rim = 4 * unit, height // 10
    while x < width - 5 * unit:
        bar, space = (unit * random.integers(1, 5, 2)).tolist()
        sheet.fill(x, rim, min(x + bar, width - 4 * unit), height - rim, dark)
        x += bar + space
    return sheet


def _dots(width: int, height: int, random: Random) -> Sheet:
    """Draw rows of dots or rings: lamps, rivets, holes."""
    dot = random_colour(random, 0.1, 1.0)
    sheet = empty_sheet(width, height, dot)
    step = draw_step(0.03, 0.2, min(width, height), random)
    radius, line = max(step * float(random.uniform(0.15, 0.42)), 1), int(random.choice([-1, -1, 1, 2]))
    row_step = int(step * float(random.choice([1, 1, 2, 3])))
    for y in range(step // 2, height, row_step):
        for x in range(step // 2, width, step):
            if random.random() < 0.95:
                sheet.draw_ellipse((x, y), (radius, radius), 0, vary(dot, 10, random), line)
    return sheet


def _plates(width: int, height: int, random: Random) -> Sheet:
    """Draw rows of plates of several lengths: keys, blocks, rows of things that stand where words might."""
    base = random_colour(random, 0.1, 0.95)
    plate = random_colour(random, 0.05, 1.0)
    sheet = empty_sheet(width, height, plate) if random.random() < 0.4 else full_sheet(width, height, base)
    row = draw_step(0.06, 0.3, height, random)
    high, longest = row * float(random.uniform(0.3, 0.75)), float(random.choice([1.2, 3, 6]))
    for y in range(row // 4, height, row):
        x = row / 4
        while x < width:
            long = high * float(random.uniform(0.7, longest))
            if random.random() < 0.93:
                sheet.fill(x, y, x + long, y + high, vary(plate, 15, random))
            x += long + high * float(random.uniform(0.15, 0.6))
    return sheet


def _strokes(width: int, height: int, random: Random) -> Sheet:
    """Draw many parallel strokes: grass, hatching, hair, rain."""
    colour = random_colour(random, 0.05, 1.0)
    sheet = empty_sheet(width, height, colour)
    direction, spread = float(random.uniform(0, math.pi)), float(random.uniform(0.05, 0.3))
    length, thickness = min(width, height) * float(random.uniform(0.05, 0.4)), int(random.integers(1, 4))
    for _ in range(int(random.integers(30, 250))):
        x, y = random.uniform((0, 0), (width, height)).tolist()
        angle, part = direction + float(random.normal(0, spread)), length * float(random.uniform(0.5, 1))
        sheet.draw_line((x, y), (x + part * math.cos(angle), y + part * math.sin(angle)), vary(colour, 15, random), thickness)
    return sheet


def _leaves(width: int, height: int, random: Random) -> Sheet:
    """Draw many pointed leaves with a vein, densest in the middle."""
    green = random_colour(random, 0.15, 0.8)
    sheet = empty_sheet(width, height, green)
    long, slim = min(width, height) * float(random.uniform(0.04, 0.2)), float(random.uniform(0.25, 0.6))
    arc = np.linspace(0, math.pi, 6)
    blade = np.concatenate([np.stack([-np.cos(arc), slim * np.sin(arc)], 1), np.stack([np.cos(arc), -slim * np.sin(arc)], 1)[1:-1]])
    for _ in range(int(random.integers(40, 200))):
        centre = random.normal((width / 2, height / 2), (width / 4, height / 4))
        angle, size = float(random.uniform(0, 2 * math.pi)), long * float(random.uniform(0.5, 1))
        along = np.array([math.cos(angle), math.sin(angle)])
        turned = blade @ np.array([along, (-along[1], along[0])]) * size + centre
        colour = vary(green, 25, random)
        sheet.fill_polygon(turned, colour)
        if size > 12:
            start, end = (centre - along * size).tolist(), (centre + along * size).tolist()
            sheet.draw_line((start[0], start[1]), (end[0], end[1]), vary(colour, 25, random), 1)
    return sheet


def _people(width: int, height: int, random: Random) -> Sheet:
    """Draw standing figures with heads, bodies, arms and legs."""
    sheet = empty_sheet(width, height, (90, 80, 80))
    count = int(random.integers(1, max(4 * width // max(height, 1), 1) + 2))
    for _ in range(count):
        high = height * float(random.uniform(0.6, 1))
        x, top = float(random.uniform(0.1, 0.9)) * width, height - high
        skin, coat, legs = random_colour(random, 0.3, 0.95), random_colour(random, 0.05, 1.0), random_colour(random, 0.05, 0.7)
        half, limb = high * float(random.uniform(0.1, 0.16)), max(int(high * 0.06), 2)
        hip, shoulder = top + high * 0.55, top + high * 0.2
        for side in (-1, 1):
            sheet.draw_line((x + side * half / 2, hip), (x + side * half * float(random.uniform(0.3, 0.9)), height), legs, 2 * limb)
            hand = x + side * half * float(random.uniform(1.1, 1.8))
            sheet.draw_line((x + side * half * 0.9, shoulder + limb), (hand, hip - float(random.uniform(-0.05, 0.2)) * high), coat, limb)
        sheet.fill_polygon([(x - half, shoulder), (x + half, shoulder), (x + half * 0.75, hip), (x - half * 0.75, hip)], coat)
        sheet.draw_ellipse((x, top + high * 0.1), (high * 0.065, high * 0.085), 0, skin)
        sheet.draw_ellipse((x, top + high * 0.06), (high * 0.07, high * 0.05), 0, random_colour(random, 0.0, 0.6))
    return sheet


PATTERNS: tuple[DrawObject, ...] = (_stripes, _bar_code, _dots, _plates, _strokes, _leaves, _people)
