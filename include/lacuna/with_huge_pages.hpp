#pragma once
/// The allocator `huge_pages`: memory aligned to 2 MiB, in huge pages where the system grants them (Linux).
/// `model<stories, simd, heap_from<huge_pages>>`.

#include <lacuna/backend/huge_pages.hpp>
