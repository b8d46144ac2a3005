// What kernels call, and what the sanitizers' instrumentation in them calls.
#include "kernel_interface.h"

#include <cstring>

#include "threadgroup.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

using executor::Threadgroup;

namespace executor {

static thread_local const std::vector<FunctionConstant>* functionConstants;

void useFunctionConstants(const std::vector<FunctionConstant>* constants) {
    functionConstants = constants;
}

static void check(void* address, size_t bytes, size_t alignment, bool write, void* returnAddress) {
    // Constants of a kernel are set while its library is loaded, outside of any threadgroup.
    Threadgroup* group = Threadgroup::current();
    if (group != nullptr && group->isRunning() && bytes > 0) {
        group->checkAccess(address, bytes, alignment, write, returnAddress);
    }
}

}

EXPORT const msl_thread* msl_current_thread() {
    return &Threadgroup::current()->currentThread();
}

EXPORT void* msl_buffer(int index) {
    return Threadgroup::current()->buffer(index);
}

EXPORT void* msl_threadgroup_memory(int index) {
    return Threadgroup::current()->threadgroupMemory(index);
}

EXPORT void* msl_threadgroup_variable(const void* key, unsigned long bytes) {
    return Threadgroup::current()->variable(key, bytes);
}

EXPORT void msl_threadgroup_barrier(int site, int memory) {
    Threadgroup::current()->barrier(site, memory);
}

EXPORT void msl_simdgroup_barrier(int site, int memory) {
    Threadgroup::current()->simdgroupBarrier(site, memory);
}

EXPORT const char* msl_exchange(const void* value, unsigned bytes, unsigned* active, int operation, int site) {
    return Threadgroup::current()->exchange(value, bytes, active, operation, site);
}

EXPORT void msl_function_constant(int index, void* value, unsigned bytes) {
    if (executor::functionConstants == nullptr) {
        return;
    }
    for (const executor::FunctionConstant& constant : *executor::functionConstants) {
        if (constant.index == index) {
            memcpy(value, &constant.bits, bytes);
        }
    }
}

// Kernels to be checked are compiled with -fsanitize=thread, but linked without its runtime: these are its callbacks.
#define CALLER __builtin_return_address(0)
#define READ(n, alignment) executor::check(address, n, alignment, false, CALLER);
#define WRITE(n, alignment) executor::check(address, n, alignment, true, CALLER);
#define CALLBACKS(n)                                                                          \
    EXPORT void __tsan_read##n(void* address) { READ(n, n) }                                  \
    EXPORT void __tsan_write##n(void* address) { WRITE(n, n) }                                \
    EXPORT void __tsan_unaligned_read##n(void* address) { READ(n, 1) }                        \
    EXPORT void __tsan_unaligned_write##n(void* address) { WRITE(n, 1) }                      \
    EXPORT void __tsan_read_write##n(void* address) { READ(n, n) WRITE(n, n) }                \
    EXPORT void __tsan_unaligned_read_write##n(void* address) { READ(n, 1) WRITE(n, 1) }
CALLBACKS(1)
CALLBACKS(2)
CALLBACKS(4)
CALLBACKS(8)
CALLBACKS(16)

EXPORT void __tsan_init() {}
EXPORT void __tsan_func_entry(void*) {}
EXPORT void __tsan_func_exit() {}
EXPORT void __tsan_read_range(void* address, unsigned long bytes) { READ(bytes, 1) }
EXPORT void __tsan_write_range(void* address, unsigned long bytes) { WRITE(bytes, 1) }

EXPORT void* __tsan_memcpy(void* to, const void* from, size_t bytes) {
    executor::check(const_cast<void*>(from), bytes, 1, false, CALLER);
    executor::check(to, bytes, 1, true, CALLER);
    return memcpy(to, from, bytes);
}

EXPORT void* __tsan_memmove(void* to, const void* from, size_t bytes) {
    executor::check(const_cast<void*>(from), bytes, 1, false, CALLER);
    executor::check(to, bytes, 1, true, CALLER);
    return memmove(to, from, bytes);
}

EXPORT void* __tsan_memset(void* to, int value, size_t bytes) {
    executor::check(to, bytes, 1, true, CALLER);
    return memset(to, value, bytes);
}

// Kernels that are not checked are compiled with -fsanitize-minimal-runtime: undefined behaviour fails the dispatch, not the process.
#define UNDEFINED(kind, text)                                                                                                          \
    EXPORT void __ubsan_handle_##kind##_minimal() {                                                                                    \
        Threadgroup* group = Threadgroup::current();                                                                                   \
        if (group != nullptr && group->isRunning()) {                                                                                  \
            group->fail("undefined behaviour, " text);                                                                                 \
        }                                                                                                                              \
    }
UNDEFINED(type_mismatch, "a misaligned pointer")
UNDEFINED(out_of_bounds, "an index outside of its array")
UNDEFINED(divrem_overflow, "a division by zero")
UNDEFINED(float_cast_overflow, "a float outside of the range of the integer it is converted to")
UNDEFINED(shift_out_of_bounds, "a shift by more than the type has bits")
