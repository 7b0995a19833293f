"""Closed forms: least energies of known metrics, and codes of expansive generators.

A metric is λ and the least energy L² between two points.
"""

import numpy as np
from scipy.optimize import brentq


def constant(c):
    return (lambda z: c + 0 * z[:, 0]), lambda a, b: c * np.sum((a - b) ** 2)


def quadratic(alpha, beta, centre):
    """λ = α + β‖z − m‖²."""

    def value(z):
        return alpha + beta * ((z - centre[None]) ** 2).sum(1)

    def energy(a, b):
        k = np.sqrt(beta)
        w0, w1 = a - centre, b - centre
        dot, squares = w0 @ w1, w0 @ w0 + w1 @ w1
        cosh = (
            -beta * dot + np.sqrt(beta**2 * dot**2 + alpha**2 + alpha * beta * squares)
        ) / alpha
        time = np.arccosh(cosh) / k
        return (alpha * time + _kinetic(beta, k, time, w0, w1)) ** 2

    return value, energy


def _kinetic(weight, k, time, w0, w1):
    """∫ β‖w‖² dτ along w0 → w1 with w″ = k²w in the time given."""
    cosh, sinh = np.cosh(k * time), np.sinh(k * time)
    return (weight / sinh**2) * (
        (w0 @ w0 + w1 @ w1) * (sinh * cosh / (2 * k) - time / 2)
        + (w0 @ w1) * (time * cosh - sinh / k)
    )


def affine(alpha, weights, centre):
    """λ = α + Σ μⱼ wⱼ² by directions: any affine generator, in its eigenbasis."""

    def value(z):
        return alpha + (weights[None] * (z - centre[None]) ** 2).sum(1)

    def energy(a, b):
        w0, w1 = a - centre, b - centre
        k = np.sqrt(np.asarray(weights))

        def excess(time):
            swing = w0**2 + w1**2 - 2 * w0 * w1 * np.cosh(k * time)
            return np.sum(k**2 * swing / np.sinh(k * time) ** 2) - alpha

        time = brentq(excess, 1e-6, 100 / k.max(), xtol=1e-15)
        parts = [
            _kinetic(k[j] ** 2, k[j], time, w0[j : j + 1], w1[j : j + 1])
            for j in range(len(k))
        ]
        return (alpha * time + sum(parts)) ** 2

    return value, energy


def half_space():
    """λ = 1/y², y the last coordinate."""

    def energy(a, b):
        gap = np.sum((a - b) ** 2) / (2 * a[-1] * b[-1])
        return np.arccosh(1 + gap) ** 2

    return (lambda z: 1 / z[:, -1] ** 2), energy


def sphere():
    """λ = 4/(1 + ‖z‖²)²."""

    def energy(a, b):
        chord = 4 * np.sum((a - b) ** 2) / ((1 + a @ a) * (1 + b @ b))
        return (2 * np.arcsin(np.sqrt(chord) / 2)) ** 2

    return (lambda z: 4 / (1 + (z**2).sum(1)) ** 2), energy


def linear(least, slope, start):
    """λ = s₀ + 2g·(z − a): the parabolas of a thrown stone."""

    def energy(a, b):
        gap = b - a
        mean = least + slope @ gap
        steep, far = slope @ slope, gap @ gap
        time = np.sqrt(2 * far / (mean + np.sqrt(mean**2 - steep * far)))
        return (mean * time - steep * time**3 / 6) ** 2

    return (lambda z: least + 2 * (z - start[None]) @ slope), energy


def square_map():
    """λ = |f′|² for f(z) = z²/√2 in the plane, angles under 90°."""

    def energy(a, b):
        return abs(complex(*b) ** 2 - complex(*a) ** 2) ** 2 / 2

    return (lambda z: 2 * (z**2).sum(1)), energy


def code_of_expansive_generator(layers, image, slope):
    """The code of an image in the range of a generator none of whose layers narrows.

    Layer by layer from the last, h ← (h′ − b) W⁺, where h′ undoes the activation. The
    pseudo-inverse W⁺ undoes a layer exactly, also without the outputs of those pixels
    near ±1 that have lost digits.
    """
    clear = np.abs(image) < 0.999
    kernels, biases = ([np.asarray(w, float) for w in ws] for ws in layers)
    kernels[-1], biases[-1] = kernels[-1][:, clear], biases[-1][clear]
    assert all(kernel.shape[0] <= kernel.shape[1] for kernel in kernels)
    found = (np.arctanh(image[clear]) - biases[-1]) @ np.linalg.pinv(kernels[-1])
    for kernel, bias in zip(kernels[-2::-1], biases[-2::-1], strict=True):
        found = np.where(found > 0, found, found / slope)
        found = (found - bias) @ np.linalg.pinv(kernel)
    return found
