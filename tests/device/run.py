#!/usr/bin/env python3
"""Builds a program for a bare Cortex-M4F and runs it in an emulator: run.py [SOURCE], default 01_hello_decoder.

The program writes with std::puts alone; the device's puts is in vector.cpp. Nothing of a heap and nothing of
exceptions may be linked, and what it writes must equal what it writes on this machine.
"""
import pathlib
import re
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import proof

HERE = pathlib.Path(__file__).resolve().parent
FORBIDDEN = re.compile(r"\b(malloc|_malloc_r|calloc|realloc|free|_sbrk|_sbrk_r|operator new|operator delete|"
                       r"__cxa_throw|__cxa_allocate_exception|__cxa_begin_catch|__gxx_personality_v0|_Unwind_\w+)")
# No contraction to fused multiply-adds: the device and this machine then compute the same bits.
COMMON = ["-std=c++20", "-DNDEBUG", "-ffp-contract=off", f"-I{proof.INCLUDE}"]
DEVICE = """-Os -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -fno-exceptions -fno-rtti
    -fno-threadsafe-statics -fno-unwind-tables -fno-asynchronous-unwind-tables -fno-use-cxa-atexit -fno-math-errno
    -ffunction-sections -fdata-sections --specs=nano.specs -nostartfiles -Wl,--gc-sections""".split()
EMULATOR = """qemu-system-arm -M mps2-an386 -icount shift=0 -display none -monitor none -serial none
    -semihosting-config enable=on,target=native -kernel""".split()


def main():
    source = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                          proof.REPOSITORY / "examples" / "01_hello_decoder" / "main.cpp")
    tally = proof.Tally()
    for tool in ("arm-none-eabi-g++", "arm-none-eabi-nm", "qemu-system-arm"):
        if not shutil.which(tool):
            tally.skip(f"device ({tool} not found; scripts/test --all installs it)")
            tally.finish()

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        image, program = folder / "device.elf", folder / "host"
        built = proof.run(["arm-none-eabi-g++", *COMMON, *DEVICE, f"-T{HERE / 'mps2.ld'}", HERE / "vector.cpp", source,
                           "-o", image, "-lc", "-lm", "-lgcc"])
        if not tally.check(built.returncode == 0, f"{source.parent.name} builds for Cortex-M4F", built.stdout):
            tally.finish()
        symbols = proof.run(["arm-none-eabi-nm", "-C", image]).stdout
        found = sorted({line for line in symbols.splitlines() if FORBIDDEN.search(line)})
        tally.check(not found, "no heap and no exceptions in the image", "\n".join(found))
        print(proof.run(["arm-none-eabi-size", image]).stdout.rstrip())

        built = proof.run([proof.gxx(), *COMMON, "-O2", source, "-o", program])
        if not tally.check(built.returncode == 0, "builds for this machine", built.stdout):
            tally.finish()
        here = proof.run([program])
        there = proof.run([*EMULATOR, image], timeout=300)
        tally.check(here.returncode == 0 and there.returncode == 0 and here.stdout == there.stdout != "",
                    "writes the same on both", f"here ({here.returncode}):\n{here.stdout}\n"
                    f"device ({there.returncode}):\n{there.stdout}")
    tally.finish()


main()
