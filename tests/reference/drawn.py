"""The numbers that scripts of this folder give to parameters and inputs; tests/support/hashed_number.hpp makes the same.

Exact in f32 and f64. The formula is MurmurHash3's finaliser, as make.py states it.
"""
WORD = 0xFFFFFFFF


def drawn(seed, counter):
    """From -1/2 to 1/2 in steps of 2^-20, by a hash of both."""
    h = (seed * 0x9E3779B9 + counter) & WORD
    h ^= h >> 16
    h = h * 0x85EBCA6B & WORD
    h ^= h >> 13
    h = h * 0xC2B2AE35 & WORD
    h ^= h >> 16
    return (h >> 12) / 2.0 ** 20 - 0.5
