#!/usr/bin/env python3
"""Instruments the prebuilt standard library for ThreadSanitizer: instrument-std.py OUTPUT.o

ThreadSanitizer reports races that don't exist if the locks of the standard library are not instrumented. Building that
library anew needs its sources, which not every toolchain has. The prebuilt one contains its LLVM bitcode, for LTO. This
script passes that bitcode through LLVM's pass, using the LLVM library of rustc itself.
"""

import ctypes
import glob
import os
import subprocess
import sys
import tempfile

TRIPLE = b"x86_64-unknown-linux-gnu"
PASSES = b"tsan-module,function(tsan)"
# Of LLVM's C interface.
FUNCTION_INDEX, DEFAULT_LEVEL, RELOC_PIC, DEFAULT_CODE_MODEL, OBJECT_FILE = 0xFFFFFFFF, 2, 2, 0, 1


def main(output):
    sysroot = subprocess.check_output(["rustc", "--print", "sysroot"], text=True).strip()
    (library,) = glob.glob(f"{sysroot}/lib/rustlib/{TRIPLE.decode()}/lib/libstd-*.rlib")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.check_call(["ar", "x", library], cwd=folder)
        (compiled,) = glob.glob(f"{folder}/*.o")
        bitcode = os.path.join(folder, "std.bc")
        section = ["--only-section=.llvmbc", "--set-section-flags", ".llvmbc=alloc"]
        subprocess.check_call(["objcopy", "-O", "binary", *section, compiled, bitcode])
        (llvm,) = glob.glob(f"{sysroot}/lib/libLLVM.so.*")
        instrument(ctypes.CDLL(llvm), bitcode, output)


def instrument(llvm, bitcode, output):
    pointers = ["GetFirstFunction", "GetNextFunction", "CreateEnumAttribute", "GetGlobalContext", "CreateTargetMachine"]
    for name in [*pointers, "CreatePassBuilderOptions", "RunPasses"]:
        getattr(llvm, f"LLVM{name}").restype = ctypes.c_void_p
    for part in ["TargetInfo", "Target", "TargetMC", "AsmPrinter"]:
        getattr(llvm, f"LLVMInitializeX86{part}")()

    buffer, module, target = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    message = ctypes.c_char_p()

    def check(failed):
        if failed:
            sys.exit(f"the standard library can't be instrumented: {message.value}")

    read = llvm.LLVMCreateMemoryBufferWithContentsOfFile
    check(read(bitcode.encode(), ctypes.byref(buffer), ctypes.byref(message)))
    check(llvm.LLVMParseBitcode2(buffer, ctypes.byref(module)))
    check(llvm.LLVMGetTargetFromTriple(TRIPLE, ctypes.byref(target), ctypes.byref(message)))

    # The pass skips functions without this attribute.
    name = b"sanitize_thread"
    kind = ctypes.c_uint(llvm.LLVMGetEnumAttributeKindForName(name, ctypes.c_size_t(len(name))))
    context = ctypes.c_void_p(llvm.LLVMGetGlobalContext())
    attribute = ctypes.c_void_p(llvm.LLVMCreateEnumAttribute(context, kind, ctypes.c_uint64(0)))
    function = llvm.LLVMGetFirstFunction(module)
    while function:
        function = ctypes.c_void_p(function)
        if not llvm.LLVMIsDeclaration(function):
            llvm.LLVMAddAttributeAtIndex(function, ctypes.c_uint(FUNCTION_INDEX), attribute)
        function = llvm.LLVMGetNextFunction(function)

    levels = (DEFAULT_LEVEL, RELOC_PIC, DEFAULT_CODE_MODEL)
    machine = ctypes.c_void_p(llvm.LLVMCreateTargetMachine(target, TRIPLE, b"x86-64", b"", *levels))
    options = ctypes.c_void_p(llvm.LLVMCreatePassBuilderOptions())
    check(llvm.LLVMRunPasses(module, PASSES, machine, options))
    emit = llvm.LLVMTargetMachineEmitToFile
    check(emit(machine, module, output.encode(), OBJECT_FILE, ctypes.byref(message)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
