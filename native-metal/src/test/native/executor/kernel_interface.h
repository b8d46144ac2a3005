// What a kernel compiled for the CPU calls, and what it knows of its thread. Included by the stand-in for <metal_stdlib> and by the executor.
#pragma once

extern "C" {

// Position of one GPU thread, in threads and threadgroups.
struct msl_thread {
    unsigned position[3];
    unsigned group[3];
    unsigned threads[3];
    unsigned groups[3];
    unsigned lane;
    unsigned simdgroup;
    unsigned index;
};

const msl_thread* msl_current_thread();

void* msl_buffer(int index);
void* msl_threadgroup_memory(int index);

// A threadgroup variable; `key` tells one variable from another, and the first thread that comes allocates it.
void* msl_threadgroup_variable(const void* key, unsigned long bytes);

// `site` is line * 512 + column: operations of different places in the source do not meet.
void msl_threadgroup_barrier(int site, int memory);
void msl_simdgroup_barrier(int site, int memory);

// Every live lane gives a value of at most 16 bytes; the result has the 32 values, 16 bytes apart, and `active` the lanes that gave one.
const char* msl_exchange(const void* value, unsigned bytes, unsigned* active, int operation, int site);

// Sets `value` to a function constant of the pipeline that is being made; leaves it alone where none is set.
void msl_function_constant(int index, void* value, unsigned bytes);
}

enum { MSL_MEMORY_DEVICE = 1, MSL_MEMORY_THREADGROUP = 2 };
