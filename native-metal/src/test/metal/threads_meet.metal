// Wrong uses of barriers, lanes and memory, and right ones beside them. Each kernel: 2 threadgroups of 64 threads.
#include <metal_stdlib>
using namespace metal;

#define ARGUMENTS device float * out [[buffer(0)]], device const float * in [[buffer(1)]], threadgroup float * shared [[threadgroup(0)]], \
    uint i [[thread_position_in_grid]], uint t [[thread_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]]

kernel void threads_meet_right(ARGUMENTS) {
    shared[t] = in[i];
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[i] = shared[63 - t];
}

kernel void threads_meet_right_in_simdgroup(ARGUMENTS) {
    shared[t] = in[i];
    simdgroup_barrier(mem_flags::mem_threadgroup);
    out[i] = shared[t ^ 1];
}

kernel void threads_meet_right_after_exit(ARGUMENTS) {
    if (lane >= 16) {
        return;
    }
    out[i] = simd_sum(in[i]);
}

kernel void threads_meet_never(ARGUMENTS) {
    shared[t] = in[i];
    out[i] = shared[63 - t];
}

kernel void threads_meet_never_in_simdgroup(ARGUMENTS) {
    shared[t] = in[i];
    out[i] = shared[t ^ 1];
}

kernel void threads_meet_with_wrong_flags(ARGUMENTS) {
    shared[t] = in[i];
    threadgroup_barrier(mem_flags::mem_device);
    out[i] = shared[63 - t];
}

kernel void threads_meet_in_simdgroups_only(ARGUMENTS) {
    shared[t] = in[i];
    simdgroup_barrier(mem_flags::mem_threadgroup);
    out[i] = shared[63 - t];
}

kernel void threads_meet_once_in_a_loop(ARGUMENTS) {
    float sum = 0.0f;
    for (int k = 0; k < 2; ++k) {
        shared[t] = in[i];
        threadgroup_barrier(mem_flags::mem_threadgroup);
        sum += shared[63 - t];
    }
    out[i] = sum;
}

kernel void threads_meet_at_two_places(ARGUMENTS) {
    if (t < 32) {
        threadgroup_barrier(mem_flags::mem_threadgroup);
    } else {
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }
    out[i] = 1.0f;
}

kernel void threads_meet_without_some(ARGUMENTS) {
    if (t >= 60) {
        return;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[i] = 1.0f;
}

kernel void threads_meet_unequally_often(ARGUMENTS) {
    for (uint k = 0; k <= (t & 1); ++k) {
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }
    out[i] = 1.0f;
}

kernel void threads_meet_in_other_lanes(ARGUMENTS) {
    if (lane < 16) {
        out[i] = simd_sum(in[i]);
    } else {
        out[i] = simd_max(in[i]);
    }
}

kernel void threads_meet_reading_past_the_end(ARGUMENTS) {
    out[i] = in[i + 1];
}

kernel void threads_meet_writing_past_the_end(ARGUMENTS) {
    out[i + 1] = in[i];
}

kernel void threads_meet_past_threadgroup_memory(ARGUMENTS) {
    shared[t + 1] = in[i];
    out[i] = 1.0f;
}

kernel void threads_meet_misaligned(ARGUMENTS) {
    device const float4 * v = (device const float4 *)(in + 1);
    out[i] = v[0].x;
}

kernel void threads_meet_across_threadgroups(ARGUMENTS) {
    out[t] = in[i];
}

kernel void threads_meet_at_one_element(ARGUMENTS) {
    out[0] = in[i];
}

kernel void threads_meet_after_others_read(ARGUMENTS) {
    float before = shared[0];
    if (t == 5) {
        shared[0] = 1.0f;
    }
    out[i] = before;
}

kernel void threads_meet_unset_memory(ARGUMENTS) {
    out[i] = shared[t];
}

kernel void threads_meet_after_a_division_by_zero(ARGUMENTS) {
    out[i] = float(7 / int(in[i] - in[i]));
}

kernel void threads_meet_past_an_array(ARGUMENTS) {
    float few[4];
    for (uint k = 0; k < 4; ++k) {
        few[k] = in[k];
    }
    out[i] = few[t];
}
