#pragma once
/// Threads for work on many tokens: the backend tag `simd_threads<Executor>`, and `thread_team`, an executor.
///
///   thread_team team(4);
///   model<stories, simd_threads<thread_team>, chunk<128>> model(simd_threads(team));

#include <lacuna/backend/simd/threads.hpp>
#include <lacuna/backend/thread_team.hpp>
#include <lacuna/with_simd.hpp>
