"""Compiled convex hull of points in space, exact in whole numbers: quickhull on a grid.

Barber, Dobkin, Huhdanpaa, "The quickhull algorithm for convex hulls" (1996), with a determinant of differences for
every decision. A point in the plane of a facet does not see it, so the surface stays a triangulated sphere without
degenerate triangles, convex but for triangles and edges that continue each other; whoever is not a corner of it lies
inside or on it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hybrid_train.support.kernels import inlined, kernel

_NONE = -1


class Facets(NamedTuple):
    """Room for F triangles; those that stand have a first corner, free ones have -1 there.

    Attributes:
        corners: (F, 3) int32 points, counter-clockwise from outside.
        beyond: (F, 3) int32 facets on the other side of the edge from a corner to the next.
        normal: (F, 3) int64 outwards, twice as long as the area.
        head: (F,) int32 the point farthest outside of it, the first of a list; -1 for none.
        height: (F,) int64 how far that one is, times the length of the normal.
        following: (n,) int32 the next point in the list of a point.
    """

    corners: Any
    beyond: Any
    normal: Any
    head: Any
    height: Any
    following: Any


class Scratch(NamedTuple):
    """Room for one step.

    Attributes:
        free: (F,) facets not in use, a stack.
        seen: (F,) facets that the new point sees.
        state: (F,) whether a facet is among those.
        horizon: (F, 3) facets beyond the horizon, then those that come before it, and the two points of the edge.
        opening: (n,) the new facet that begins at a point.
    """

    free: Any
    seen: Any
    state: Any
    horizon: Any
    opening: Any


@kernel
def room_for(n: Any) -> Any:
    """Return room for the hulls of at most n points: (Facets, Scratch)."""
    most = 3 * n + 16
    facets = Facets(
        np.empty((most, 3), np.int32),
        np.empty((most, 3), np.int32),
        np.empty((most, 3), np.int64),
        np.empty(most, np.int32),
        np.empty(most, np.int64),
        np.empty(n, np.int32),
    )
    return facets, Scratch(
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.zeros(most, np.bool_),
        np.empty((most, 3), np.int32),
        np.empty(n, np.int32),
    )


@inlined
def _height(points: Any, facets: Any, facet: Any, point: Any) -> Any:
    """Return the determinant that is above 0 where a point is outside of a facet."""
    corner = facets.corners[facet, 0]
    return (
        facets.normal[facet, 0] * (points[point, 0] - points[corner, 0])
        + facets.normal[facet, 1] * (points[point, 1] - points[corner, 1])
        + facets.normal[facet, 2] * (points[point, 2] - points[corner, 2])
    )


@inlined
def _place(points: Any, facets: Any, facet: Any, a: Any, b: Any, c: Any) -> None:
    facets.corners[facet, 0], facets.corners[facet, 1], facets.corners[facet, 2] = a, b, c
    ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
    vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
    facets.normal[facet, 0] = uy * vz - uz * vy
    facets.normal[facet, 1] = uz * vx - ux * vz
    facets.normal[facet, 2] = ux * vy - uy * vx
    facets.head[facet] = _NONE
    facets.height[facet] = 0


@inlined
def _hand_over(facets: Any, facet: Any, point: Any, height: Any) -> None:
    """Put a point into the list of a facet it is outside of: in front if it is farther out than all others."""
    head = facets.head[facet]
    if head == _NONE or height > facets.height[facet]:
        facets.following[point] = head
        facets.head[facet] = point
        facets.height[facet] = height
    else:
        facets.following[point] = facets.following[head]
        facets.following[head] = point


@kernel
def _simplex(points: Any, among: Any) -> Any:
    """Return four points that are not in one plane, and how many are not in a lower one: 4, or 1, 2 or 3 if all are."""
    found = np.empty(4, np.int64)
    found[0] = among[0]
    count = 1
    ax, ay, az = points[found[0], 0], points[found[0], 1], points[found[0], 2]
    ux = uy = uz = nx = ny = nz = 0
    for turn in range(3):
        farthest, best = 0.0, -1
        for i in range(among.size):
            p = among[i]
            vx, vy, vz = points[p, 0] - ax, points[p, 1] - ay, points[p, 2] - az
            if turn == 0:
                far = float(vx * vx + vy * vy + vz * vz)
            elif turn == 1:
                cx, cy, cz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
                far = float(cx) ** 2 + float(cy) ** 2 + float(cz) ** 2
            else:
                far = abs(float(nx * vx + ny * vy + nz * vz))
            if far > farthest:
                farthest, best = far, p
        if best < 0:
            return found, count
        found[count] = best
        count += 1
        vx, vy, vz = points[best, 0] - ax, points[best, 1] - ay, points[best, 2] - az
        if turn == 0:
            ux, uy, uz = vx, vy, vz
        elif turn == 1:
            nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        elif nx * vx + ny * vy + nz * vz > 0:
            found[1], found[2] = found[2], found[1]
    return found, count


@kernel
def flatness(points: Any) -> Any:
    """Return the coordinate without which points that lie in one plane can still be told apart, and their turns."""
    found, count = _simplex(points, np.arange(points.shape[0]))
    if count == 1:
        return 2
    ux, uy, uz = points[found[1]] - points[found[0]]
    if count == 2:
        size = np.array([-abs(ux), -abs(uy), -abs(uz)])
    else:
        vx, vy, vz = points[found[2]] - points[found[0]]
        size = np.array([abs(uy * vz - uz * vy), abs(uz * vx - ux * vz), abs(ux * vy - uy * vx)])
    return np.argmax(size)


@kernel
def hull(points: Any, among: Any, facets: Any, scratch: Any) -> Any:
    """Make the facets of the convex hull of some points.

    Args:
        points: (n, 3) int64, distinct, coordinates in [-GRID, GRID] of :mod:`classical.onion.places`.
        among: (a,) int64 those whose hull it is.
        facets: room, see :func:`room_for`.
        scratch: likewise.

    Returns:
        (how many slots of ``facets`` were ever used, how many facets and points were compared); no slots if all of the
        points lie in one plane.
    """
    found, count = _simplex(points, among)
    spent = 3 * among.size
    if count < 4:
        return 0, spent
    a, b, c, d = found
    _place(points, facets, 0, a, b, c)
    _place(points, facets, 1, a, d, b)
    _place(points, facets, 2, b, d, c)
    _place(points, facets, 3, c, d, a)
    facets.beyond[0] = (1, 2, 3)
    facets.beyond[1] = (3, 2, 0)
    facets.beyond[2] = (1, 3, 0)
    facets.beyond[3] = (2, 1, 0)
    for i in range(among.size):
        for facet in range(4):
            height = _height(points, facets, facet, among[i])
            spent += 1
            if height > 0:
                _hand_over(facets, facet, among[i], height)
                break
    used, freed, facet = 4, 0, 0
    while facet < used:
        if facets.corners[facet, 0] == _NONE or facets.head[facet] == _NONE:
            facet += 1
            continue
        apex = facets.head[facet]
        seen, rim, looked = _view(points, facets, scratch, facet, apex)
        used, freed, first = _cone(points, facets, scratch, apex, rim, used, freed)
        freed, handed = _hand_on(points, facets, scratch, apex, seen, rim, freed)
        spent += looked + rim + handed
        facet = min(facet, first)
    return used, spent


@kernel
def _view(points: Any, facets: Any, scratch: Any, facet: Any, apex: Any) -> Any:
    """Find what a point outside of a facet sees: return (how many facets, edges on the horizon, facets looked at)."""
    seen, state, horizon = scratch.seen, scratch.state, scratch.horizon
    seen[0] = facet
    state[facet] = True
    at, count, rim, looked = 0, 1, 0, 0
    while at < count:
        for side in range(3):
            other = facets.beyond[seen[at], side]
            if state[other]:
                continue
            looked += 1
            if _height(points, facets, other, apex) > 0:
                state[other] = True
                seen[count] = other
                count += 1
            else:
                horizon[rim, 0] = other
                horizon[rim, 1] = facets.corners[seen[at], side]
                horizon[rim, 2] = facets.corners[seen[at], (side + 1) % 3]
                rim += 1
        at += 1
    return count, rim, looked


@kernel
def _cone(points: Any, facets: Any, scratch: Any, apex: Any, rim: Any, used: Any, freed: Any) -> Any:
    """Make the facets between a point and its horizon; return (slots used, slots free, the first that was taken)."""
    horizon, first = scratch.horizon, used
    for i in range(rim):
        fresh = used
        if freed > 0:
            freed -= 1
            fresh = scratch.free[freed]
        else:
            used += 1
        first = min(first, fresh)
        other, start, end = horizon[i]
        _place(points, facets, fresh, start, end, apex)
        facets.beyond[fresh, 0] = other
        for side in range(3):
            if facets.corners[other, side] == end:
                facets.beyond[other, side] = fresh
        scratch.opening[start] = fresh
        horizon[i, 0] = fresh
    for i in range(rim):
        fresh, ahead = horizon[i, 0], scratch.opening[horizon[i, 2]]
        facets.beyond[fresh, 1] = ahead
        facets.beyond[ahead, 2] = fresh
    return used, freed, first


@kernel
def _hand_on(points: Any, facets: Any, scratch: Any, apex: Any, seen: Any, rim: Any, freed: Any) -> Any:
    """Let go of the facets that were seen, their points to those of the cone; return (slots free, facets compared)."""
    compared = 0
    for i in range(seen):
        gone = scratch.seen[i]
        point = facets.head[gone]
        while point != _NONE:
            following = facets.following[point]
            for j in range(rim):
                if point == apex:
                    break
                compared += 1
                height = _height(points, facets, scratch.horizon[j, 0], point)
                if height > 0:
                    _hand_over(facets, scratch.horizon[j, 0], point, height)
                    break
            point = following
        facets.corners[gone, 0] = _NONE
        scratch.state[gone] = False
        scratch.free[freed] = gone
        freed += 1
    return freed, compared
