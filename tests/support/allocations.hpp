#pragma once
/// The number of allocations of the program so far: tests/laws/allocations.cpp replaces the allocator and counts.

#include <cstddef>

std::size_t allocations();
