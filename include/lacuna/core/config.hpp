#pragma once
/// Version, compiler differences and the ABI tag. The only header of the library with compiler `#if`s.

#include <cstddef>
#include <cstdint>

#define LACUNA_VERSION_MAJOR 0
#define LACUNA_VERSION_MINOR 1
#define LACUNA_VERSION_PATCH 0

// LACUNA_ANY_CALLEE stands before a function that calls what users write, marked for devices or not. LACUNA_NO_ADDRESS
// stands before a member that takes no room where it is empty. With nvcc it takes some: nvcc 13 takes a struct whose
// last members are empty ones without addresses for larger in device code than in host code, and moves what follows.
#if defined(__CUDACC__)
#define LACUNA_HD __host__ __device__
#define LACUNA_ANY_CALLEE _Pragma("nv_exec_check_disable")
#define LACUNA_NO_ADDRESS
#else
#define LACUNA_HD
#define LACUNA_ANY_CALLEE
#define LACUNA_NO_ADDRESS [[no_unique_address]]
#endif

// LACUNA_INLINE and, behind a lambda's parameters, LACUNA_UNROLLED mark what has to be inlined for the sake of speed.
// LACUNA_FORCED_INLINING=0 leaves that to the compiler: code with SIMD lanes compiles faster and runs slower. So it is
// where nothing is optimised, which is slow anyway.
#if !defined(LACUNA_FORCED_INLINING)
#if defined(__OPTIMIZE__) || defined(_MSC_VER)
#define LACUNA_FORCED_INLINING 1
#else
#define LACUNA_FORCED_INLINING 0
#endif
#endif

// LACUNA_APART stands before a function that is compiled once, wherever it is called: a loop that needs all registers,
// or whose sizes come at run time so that models of many sizes share it.
#if defined(_MSC_VER) && !defined(__clang__)
#define LACUNA_INLINE __forceinline
#define LACUNA_UNROLLED
#define LACUNA_APART __declspec(noinline)
#else
#if LACUNA_FORCED_INLINING
#define LACUNA_INLINE inline __attribute__((always_inline))
#define LACUNA_UNROLLED __attribute__((always_inline))
#else
#define LACUNA_INLINE inline
#define LACUNA_UNROLLED
#endif
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define LACUNA_APART __attribute__((noinline, noclone))
#else
#define LACUNA_APART __attribute__((noinline))
#endif
#endif

// LACUNA_NOWHERE_BEGIN and LACUNA_NOWHERE_END stand around what names an object that is declared and nowhere defined: in
// constant expressions, which may ask where its members lie. clang++ would warn of every one.
#if defined(__clang__)
#define LACUNA_NOWHERE_BEGIN \
  _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wundefined-var-template\"")
#define LACUNA_NOWHERE_END _Pragma("clang diagnostic pop")
#else
#define LACUNA_NOWHERE_BEGIN
#define LACUNA_NOWHERE_END
#endif

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define LACUNA_EXCEPTIONS 1
#else
#define LACUNA_EXCEPTIONS 0
#endif

// Two translation units with different instruction sets, NDEBUG or exception modes must not share an inline
// function: the linker would keep one copy for both. So the namespace names the version, the vector instruction set,
// fused multiply-add, nvcc (whose structs are larger), assertions (c)hecked or (r)elease, errors (t)hrown or (v)alues,
// maths (s)trict or (f)ast: v0_1_avx2_fma_cts. It is short because compilers print it with every name.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define LACUNA_ABI_ARCH avx512
#elif defined(__AVX512F__)
#define LACUNA_ABI_ARCH avx512f
#elif defined(__AVX2__)
#define LACUNA_ABI_ARCH avx2
#elif defined(__AVX__)
#define LACUNA_ABI_ARCH avx
#elif defined(__SSE4_2__)
#define LACUNA_ABI_ARCH sse42
#elif defined(__SSE2__)
#define LACUNA_ABI_ARCH sse2
#elif defined(__ARM_FEATURE_SVE)
#define LACUNA_ABI_ARCH sve
#elif defined(__ARM_NEON)
#define LACUNA_ABI_ARCH neon
#else
#define LACUNA_ABI_ARCH scalar
#endif

#if defined(__FMA__)
#define LACUNA_ABI_FMA _fma
#else
#define LACUNA_ABI_FMA
#endif

#if defined(__CUDACC__)
#define LACUNA_ABI_LAYOUT _cuda
#else
#define LACUNA_ABI_LAYOUT
#endif

#if defined(NDEBUG)
#define LACUNA_ABI_CHECKS r
#else
#define LACUNA_ABI_CHECKS c
#endif

#if LACUNA_EXCEPTIONS
#define LACUNA_ABI_ERRORS t
#else
#define LACUNA_ABI_ERRORS v
#endif

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ + 0 != 0)
#define LACUNA_ABI_MATHS f
#else
#define LACUNA_ABI_MATHS s
#endif

#define LACUNA_JOIN_EXPANDED(major, minor, arch, fma, layout, checks, errors, maths) \
  v##major##_##minor##_##arch##fma##layout##_##checks##errors##maths
#define LACUNA_JOIN(major, minor, arch, fma, layout, checks, errors, maths) \
  LACUNA_JOIN_EXPANDED(major, minor, arch, fma, layout, checks, errors, maths)
#define LACUNA_ABI                                                                                            \
  LACUNA_JOIN(LACUNA_VERSION_MAJOR, LACUNA_VERSION_MINOR, LACUNA_ABI_ARCH, LACUNA_ABI_FMA, LACUNA_ABI_LAYOUT, \
              LACUNA_ABI_CHECKS, LACUNA_ABI_ERRORS, LACUNA_ABI_MATHS)

#define LACUNA_TEXT_EXPANDED(name) #name
#define LACUNA_TEXT(name) LACUNA_TEXT_EXPANDED(name)

#define LACUNA_BEGIN namespace lacuna { inline namespace LACUNA_ABI {
#define LACUNA_END } }

LACUNA_BEGIN

/// Every count, width and position. (`index` would clash with POSIX, `extent` with the standard library.)
using extent_t = std::size_t;

/// The compiler, for `describe` and benchmarks.
inline constexpr const char* compiler_name =
#if defined(__clang__)
    "clang " __clang_version__;
#elif defined(__GNUC__)
    "g++ " __VERSION__;
#else
    "unknown";
#endif

/// The instruction set this translation unit is compiled for, as in the ABI tag.
inline constexpr const char* architecture_name = LACUNA_TEXT(LACUNA_ABI_ARCH);

/// Ends the program where it stands, on host and device: for what would otherwise overwrite memory.
LACUNA_HD inline void stop() noexcept {
#if defined(__CUDA_ARCH__)
  __trap();
#else
  __builtin_trap();
#endif
}

/// True during constant evaluation.
LACUNA_HD constexpr bool constant_evaluated() noexcept { return __builtin_is_constant_evaluated(); }

LACUNA_END
