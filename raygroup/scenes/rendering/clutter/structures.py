"""Draw built things: fences, windows, shelves, tiles and rails."""

import numpy as np

from raygroup.scenes.rendering.backgrounds import Random, random_colour
from raygroup.scenes.rendering.clutter.sheet import DrawObject, Sheet, draw_step, empty_sheet, full_sheet, vary


def _pickets(width: int, height: int, random: Random) -> Sheet:
    """Draw a fence of boards or bars with two or three rails."""
    colour = random_colour(random, 0.1, 0.95)
    sheet = empty_sheet(width, height, colour)
    step = draw_step(0.02, 0.15, width, random)
    bar = max(step * float(random.uniform(0.15, 0.85)), 2)
    point = min(bar * float(random.choice([0, 0, 0.6])), height / 4)
    rail = max(height * float(random.uniform(0.02, 0.08)), 2)
    for share in np.linspace(0.15, 0.85, int(random.integers(2, 4))).tolist():
        sheet.fill(0, height * share - rail / 2, width, height * share + rail / 2, vary(colour, 6, random))
    for x in range(0, width, step):
        sheet.fill_polygon([(x, point), (x + bar / 2, 0), (x + bar, point), (x + bar, height), (x, height)], vary(colour, 12, random))
    return sheet


def _mesh(width: int, height: int, random: Random) -> Sheet:
    """Draw a wire fence: lines in two directions."""
    colour = random_colour(random, 0.1, 0.9)
    sheet = empty_sheet(width, height, colour)
    step, wire = draw_step(0.03, 0.14, max(width, height), random), int(random.integers(1, 4))
    slope = float(random.choice([1.0, 0.7, 1.5]))
    for x in range(-int(height / slope), width, step):
        sheet.draw_line((x, 0), (x + height / slope, height), colour, wire)
        sheet.draw_line((x, height), (x + height / slope, 0), colour, wire)
    for x in range(0, width, max(width // int(random.integers(1, 4)), 1)):
        sheet.fill(x, 0, x + 3 * wire, height, vary(colour, 20, random))
    return sheet


def _windows(width: int, height: int, random: Random) -> Sheet:
    """Draw rows of windows with frames, bars, sills and reflections."""
    wall, frame, glass = (random_colour(random, *light) for light in ((0.3, 0.9), (0.2, 1.0), (0.05, 0.7)))
    sheet = full_sheet(width, height, wall)
    across, down = draw_step(0.08, 0.5, width, random), draw_step(0.1, 0.5, height, random)
    gap, rim = float(random.uniform(0.1, 0.35)), max(min(across, down) * float(random.uniform(0.03, 0.1)), 1)
    bars = random.integers(1, 4, 2).tolist()
    for top in range(int(down * gap / 2), height, down):
        for left in range(int(across * gap / 2), width, across):
            right, bottom = left + across * (1 - gap), top + down * (1 - gap)
            sheet.fill(left, top, right, bottom, frame)
            pane_width, pane_height = (right - left - rim) / bars[0], (bottom - top - rim) / bars[1]
            for column in range(bars[0]):
                for row in range(bars[1]):
                    x, y = left + rim + column * pane_width, top + rim + row * pane_height
                    sheet.fill(x, y, x + pane_width - rim, y + pane_height - rim, vary(glass, 15, random))
            if rim > 2:
                sheet.fill(left - rim, bottom, right + rim, bottom + rim, vary(frame, 20, random))
    return sheet


def _shelves(width: int, height: int, random: Random) -> Sheet:
    """Draw shelves with books, boxes or bottles."""
    wood = random_colour(random, 0.15, 0.8)
    sheet = full_sheet(width, height, vary(wood, 3, random))
    sheet.colour[:] = np.array(sheet.colour) // 2
    down = draw_step(0.12, 0.5, height, random)
    board, wide = max(down * 0.08, 2), down * float(random.uniform(0.08, 0.6))
    is_round, spread = random.random() < 0.35, float(random.uniform(0.1, 0.6))
    colours = [random_colour(random, 0.1, 1.0) for _ in range(int(random.integers(2, 9)))]
    for bottom in range(down, height + down, down):
        x = 0.0
        while x < width:
            thing = max(wide * float(random.uniform(1 - spread, 1 + spread)), 3)
            high = (down - board) * float(random.uniform(0.95 - 0.5 * spread, 0.98))
            colour = vary(colours[int(random.integers(len(colours)))], 8, random)
            if random.random() < 0.93:
                _draw_thing(sheet, x, bottom - board - high, thing, high, colour, is_round, random)
            x += thing + float(random.uniform(0, 0.15)) * wide
        sheet.fill(0, bottom - board, width, bottom, wood)
    return sheet


def _draw_thing(
    sheet: Sheet, x: float, y: float, wide: float, high: float, colour: tuple[int, int, int], is_round: bool, random: Random
) -> None:
    """Draw a bottle, or a book or box with a band."""
    if is_round:
        neck = wide * 0.3
        sheet.fill(x, y + high * 0.35, x + wide, y + high, colour)
        sheet.fill(x + wide / 2 - neck / 2, y, x + wide / 2 + neck / 2, y + high * 0.4, colour)
    else:
        sheet.fill(x, y, x + wide, y + high, colour)
    if random.random() < 0.5:
        band = y + high * float(random.uniform(0.4, 0.7))
        sheet.fill(x, band, x + wide, band + high * float(random.uniform(0.04, 0.2)), vary(colour, 60, random))


def _tiles(width: int, height: int, random: Random) -> Sheet:
    """Draw bricks, tiles or a grid of panels."""
    joint, tile = random_colour(random, 0.1, 0.95), random_colour(random, 0.1, 0.95)
    sheet = full_sheet(width, height, joint)
    high = draw_step(0.04, 0.25, height, random)
    wide, gap = max(int(high * random.uniform(0.8, 3)), 4), int(random.integers(1, max(high // 6, 2) + 1))
    shift, spread = float(random.choice([0, 0.5])), float(random.uniform(2, 25))
    for row, y in enumerate(range(0, height, high)):
        for x in range(-int(shift * wide) * (row % 2), width, wide):
            sheet.fill(x, y, x + wide - gap, y + high - gap, vary(tile, spread, random))
    return sheet


def _rails(width: int, height: int, random: Random) -> Sheet:
    """Draw a ladder, a railing or pipes: long bars with short ones between them."""
    colour = random_colour(random, 0.1, 0.95)
    sheet = empty_sheet(width, height, colour)
    step = draw_step(0.1, 0.5, height, random)
    bar = max(step * float(random.uniform(0.08, 0.3)), 2)
    for y in range(0, height, step):
        sheet.fill(0, y, width, y + bar, vary(colour, 10, random))
        if random.random() < 0.7:
            between = draw_step(0.03, 0.2, width, random)
            for x in range(0, width, between):
                sheet.fill(x, y, x + max(bar * 0.6, 2), y + step, vary(colour, 10, random))
    return sheet


STRUCTURES: tuple[DrawObject, ...] = (_pickets, _mesh, _windows, _shelves, _tiles, _rails)
