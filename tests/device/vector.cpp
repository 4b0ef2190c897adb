// Start-up of a bare Cortex-M under semihosting: vector table, floating point on, memory set up, main, exit.
// It also holds the whole standard output of the device: puts.
#include <cstddef>
#include <cstdint>

extern "C" {

int main();
// Set by mps2.ld.
extern std::uint32_t stack_top, data_from, data_begin, data_end, bss_begin, bss_end;
extern void (*init_begin[])();
extern void (*init_end[])();

static int semihost(int operation, const void* argument) {
  register int r0 asm("r0") = operation;
  register const void* r1 asm("r1") = argument;
  asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

[[noreturn]] static void leave(int status) {
  const std::uint32_t block[] = {0x20026, static_cast<std::uint32_t>(status)};  // "application exit", status
  semihost(0x20, block);
  for (;;) {
  }
}

int puts(const char* text) {
  semihost(0x04, text);
  semihost(0x04, "\n");
  return 1;
}

[[noreturn]] void reset() {
  *reinterpret_cast<volatile std::uint32_t*>(0xE000ED88) |= 0xFu << 20;  // CPACR: the floating-point unit
  asm volatile("dsb\n isb");
  const std::uint32_t* from = &data_from;
  for (std::uint32_t* to = &data_begin; to < &data_end;) *to++ = *from++;
  for (std::uint32_t* to = &bss_begin; to < &bss_end;) *to++ = 0;
  for (void (**constructor)() = init_begin; constructor < init_end; ++constructor) (*constructor)();
  leave(main());
}

[[noreturn]] void fault() {
  puts("fault");
  leave(99);
}

[[gnu::section(".vectors"), gnu::used]] const void* const vectors[16] = {
    &stack_top,
    reinterpret_cast<const void*>(&reset),
    reinterpret_cast<const void*>(&fault),
    reinterpret_cast<const void*>(&fault),
    reinterpret_cast<const void*>(&fault),
    reinterpret_cast<const void*>(&fault),
    reinterpret_cast<const void*>(&fault),
};
}
