// Operations among the 32 lanes of a simdgroup.
#pragma once

namespace metal {

// Types that Metal lets lanes exchange: no 64-bit ones, no bool, no structs.
template <typename T> struct msl_exchangeable { enum { value = 0 }; };
#define MSL_EXCHANGEABLE(T)                                        \
    template <> struct msl_exchangeable<T> { enum { value = 1 }; };    \
    template <> struct msl_exchangeable<T##2> { enum { value = 1 }; }; \
    template <> struct msl_exchangeable<T##3> { enum { value = 1 }; }; \
    template <> struct msl_exchangeable<T##4> { enum { value = 1 }; };
MSL_EXCHANGEABLE(char) MSL_EXCHANGEABLE(uchar) MSL_EXCHANGEABLE(short) MSL_EXCHANGEABLE(ushort)
MSL_EXCHANGEABLE(int) MSL_EXCHANGEABLE(uint) MSL_EXCHANGEABLE(half) MSL_EXCHANGEABLE(float)
#define MSL_LANES template <typename T, typename = enable_if_t<msl_exchangeable<T>::value>>

#ifdef MSL_STRICT

MSL_LANES T simd_sum(T);
MSL_LANES T simd_product(T);
MSL_LANES T simd_max(T);
MSL_LANES T simd_min(T);
MSL_LANES T simd_or(T);
MSL_LANES T simd_and(T);
MSL_LANES T simd_prefix_inclusive_sum(T);
MSL_LANES T simd_prefix_exclusive_sum(T);
MSL_LANES T simd_shuffle(T, ushort);
MSL_LANES T simd_shuffle_xor(T, ushort);
MSL_LANES T simd_shuffle_down(T, ushort);
MSL_LANES T simd_shuffle_up(T, ushort);
MSL_LANES T simd_broadcast(T, ushort);
MSL_LANES T simd_broadcast_first(T);
bool simd_all(bool);
bool simd_any(bool);
bool simd_is_first();

#else

enum msl_operation {
    msl_op_sum, msl_op_product, msl_op_max, msl_op_min, msl_op_or, msl_op_and, msl_op_inclusive_sum, msl_op_exclusive_sum, msl_op_shuffle,
    msl_op_shuffle_xor, msl_op_shuffle_down, msl_op_shuffle_up, msl_op_broadcast, msl_op_broadcast_first, msl_op_all, msl_op_any, msl_op_is_first,
    msl_op_matrix_load, msl_op_matrix_store, msl_op_matrix_multiply
};

template <typename T> struct msl_lanes {
    const char* values;
    unsigned active;
    unsigned self;

    bool has(unsigned lane) const { return lane < 32 && (active >> lane & 1) != 0; }
    T operator[](unsigned lane) const {
        T value;
        __builtin_memcpy(&value, values + lane * 16, sizeof value);
        return value;
    }
    T first() const { return (*this)[__builtin_ctz(active)]; }

    // All bits set, not a number, for a lane that takes no part: Metal leaves it undefined.
    T of(unsigned lane) const {
        T value;
        __builtin_memset(&value, 0xff, sizeof value);
        return has(lane) ? (*this)[lane] : value;
    }
};

template <typename T> inline msl_lanes<T> msl_meet(T value, int operation, int site) {
    static_assert(sizeof(T) <= 16);
    msl_lanes<T> lanes;
    lanes.self = msl_current_thread()->lane;
    lanes.values = msl_exchange(&value, sizeof value, &lanes.active, operation, site);
    return lanes;
}

// As a tree, in the order hardware is likely to take; `neutral` stands for lanes that take no part.
template <typename T, typename F> inline T msl_reduce(const msl_lanes<T>& lanes, T neutral, F combine) {
    T values[32];
    for (int i = 0; i < 32; i++) {
        values[i] = lanes.has(i) ? lanes[i] : neutral;
    }
    for (int half_width = 16; half_width > 0; half_width /= 2) {
        for (int i = 0; i < half_width; i++) {
            values[i] = combine(values[i], values[i + half_width]);
        }
    }
    return values[0];
}

MSL_LANES inline T simd_sum(T v, MSL_SITE) { return msl_reduce<T>(msl_meet(v, msl_op_sum, site), T(0), [](T a, T b) { return T(a + b); }); }
MSL_LANES inline T simd_product(T v, MSL_SITE) { return msl_reduce<T>(msl_meet(v, msl_op_product, site), T(1), [](T a, T b) { return T(a * b); }); }
MSL_LANES inline T simd_max(T v, MSL_SITE) {
    auto lanes = msl_meet(v, msl_op_max, site);
    return msl_reduce<T>(lanes, lanes.first(), [](T a, T b) { return max(a, b); });
}
MSL_LANES inline T simd_min(T v, MSL_SITE) {
    auto lanes = msl_meet(v, msl_op_min, site);
    return msl_reduce<T>(lanes, lanes.first(), [](T a, T b) { return min(a, b); });
}
MSL_LANES inline T simd_or(T v, MSL_SITE) { return msl_reduce<T>(msl_meet(v, msl_op_or, site), T(0), [](T a, T b) { return T(a | b); }); }
MSL_LANES inline T simd_and(T v, MSL_SITE) {
    auto lanes = msl_meet(v, msl_op_and, site);
    return msl_reduce<T>(lanes, lanes.first(), [](T a, T b) { return T(a & b); });
}

template <typename T> inline T msl_sum_before(const msl_lanes<T>& lanes, unsigned end) {
    T sum = 0;
    for (unsigned i = 0; i < end; i++) {
        if (lanes.has(i)) {
            sum += lanes[i];
        }
    }
    return sum;
}

MSL_LANES inline T simd_prefix_inclusive_sum(T v, MSL_SITE) {
    auto lanes = msl_meet(v, msl_op_inclusive_sum, site);
    return msl_sum_before(lanes, lanes.self + 1);
}
MSL_LANES inline T simd_prefix_exclusive_sum(T v, MSL_SITE) {
    auto lanes = msl_meet(v, msl_op_exclusive_sum, site);
    return msl_sum_before(lanes, lanes.self);
}
MSL_LANES inline T simd_shuffle(T v, ushort lane, MSL_SITE) { return msl_meet(v, msl_op_shuffle, site).of(lane); }
MSL_LANES inline T simd_shuffle_xor(T v, ushort mask, MSL_SITE) {
    auto lanes = msl_meet(v, msl_op_shuffle_xor, site);
    return lanes.of(lanes.self ^ mask);
}
MSL_LANES inline T simd_shuffle_down(T v, ushort delta, MSL_SITE) {
    auto lanes = msl_meet(v, msl_op_shuffle_down, site);
    return lanes.self + delta < 32 ? lanes.of(lanes.self + delta) : v;
}
MSL_LANES inline T simd_shuffle_up(T v, ushort delta, MSL_SITE) {
    auto lanes = msl_meet(v, msl_op_shuffle_up, site);
    return lanes.self >= delta ? lanes.of(lanes.self - delta) : v;
}
MSL_LANES inline T simd_broadcast(T v, ushort lane, MSL_SITE) { return msl_meet(v, msl_op_broadcast, site).of(lane); }
MSL_LANES inline T simd_broadcast_first(T v, MSL_SITE) { return msl_meet(v, msl_op_broadcast_first, site).first(); }
inline bool simd_all(bool v, MSL_SITE) { return msl_reduce<uint>(msl_meet((uint)v, msl_op_all, site), 1u, [](uint a, uint b) { return a & b; }) != 0; }
inline bool simd_any(bool v, MSL_SITE) { return msl_reduce<uint>(msl_meet((uint)v, msl_op_any, site), 0u, [](uint a, uint b) { return a | b; }) != 0; }
inline bool simd_is_first(MSL_SITE) {
    auto lanes = msl_meet(0u, msl_op_is_first, site);
    return (unsigned)__builtin_ctz(lanes.active) == lanes.self;
}

#endif

}
