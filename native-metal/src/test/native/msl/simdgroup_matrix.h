// 8 x 8 matrices that a simdgroup holds together, two elements in each lane.
#pragma once

namespace metal {

#ifdef MSL_STRICT

template <typename T, int C, int R> struct simdgroup_matrix {
    static_assert(C == 8 && R == 8, "simdgroup matrices are 8 x 8");
    vec<T, 2> elements;
    simdgroup_matrix() {}
    explicit simdgroup_matrix(T);
    thread vec<T, 2>& thread_elements() thread;
};
template <typename T, int C, int R = C> simdgroup_matrix<T, C, R> make_filled_simdgroup_matrix(T value);
#define MSL_MATRIX_ACCESS(space)                                                                                                          \
    template <typename T> void simdgroup_load(thread simdgroup_matrix<T, 8, 8>&, const space T*, ulong = 8, ulong2 = 0, bool = false);     \
    template <typename T> void simdgroup_store(simdgroup_matrix<T, 8, 8>, space T*, ulong = 8, ulong2 = 0, bool = false);
MSL_MATRIX_ACCESS(device)
MSL_MATRIX_ACCESS(threadgroup)
template <typename D, typename A, typename B, typename C>
void simdgroup_multiply_accumulate(thread simdgroup_matrix<D, 8, 8>&, thread simdgroup_matrix<A, 8, 8>&, thread simdgroup_matrix<B, 8, 8>&,
        thread simdgroup_matrix<C, 8, 8>&);
template <typename D, typename A, typename B>
void simdgroup_multiply(thread simdgroup_matrix<D, 8, 8>&, thread simdgroup_matrix<A, 8, 8>&, thread simdgroup_matrix<B, 8, 8>&);

#else

// Which elements a lane has: row, and the first of two columns. Kernels that use thread_elements() rely on this layout.
struct msl_matrix_place {
    unsigned row;
    unsigned column;

    static msl_matrix_place of(unsigned lane) {
        unsigned quad = lane / 4;
        return {(quad & 4) + lane / 2 % 4, (quad & 2) * 2 + lane % 2 * 2};
    }
    static unsigned lane(unsigned row, unsigned column) { return (row & 4) * 4 + (column & 4) * 2 + (row & 3) * 2 + (column / 2 & 1); }
};

template <typename T, int C, int R> struct simdgroup_matrix {
    static_assert(C == 8 && R == 8);
    vec<T, 2> elements;

    simdgroup_matrix() { __builtin_memset(&elements, 0xff, sizeof elements); }
    explicit simdgroup_matrix(T diagonal) {
        auto place = msl_matrix_place::of(msl_current_thread()->lane);
        elements[0] = place.row == place.column ? diagonal : T(0);
        elements[1] = place.row == place.column + 1 ? diagonal : T(0);
    }
    vec<T, 2>& thread_elements() { return elements; }
};

template <typename T, int C, int R = C> inline simdgroup_matrix<T, C, R> make_filled_simdgroup_matrix(T value) {
    simdgroup_matrix<T, C, R> matrix;
    matrix.elements[0] = value;
    matrix.elements[1] = value;
    return matrix;
}

template <typename T> inline T* msl_matrix_element(T* start, ulong stride, ulong2 origin, bool transpose, unsigned second) {
    auto place = msl_matrix_place::of(msl_current_thread()->lane);
    unsigned column = place.column + second;
    return start + origin[1] * stride + origin[0] + (transpose ? column * stride + place.row : place.row * stride + column);
}

template <typename T>
inline void simdgroup_load(simdgroup_matrix<T, 8, 8>& matrix, const T* from, ulong stride = 8, ulong2 origin = 0, bool transpose = false, MSL_SITE) {
    msl_meet(0u, msl_op_matrix_load, site);
    for (unsigned i = 0; i < 2; i++) {
        matrix.elements[i] = *msl_matrix_element(from, stride, origin, transpose, i);
    }
}

template <typename T>
inline void simdgroup_store(simdgroup_matrix<T, 8, 8> matrix, T* to, ulong stride = 8, ulong2 origin = 0, bool transpose = false, MSL_SITE) {
    msl_meet(0u, msl_op_matrix_store, site);
    for (unsigned i = 0; i < 2; i++) {
        *msl_matrix_element(to, stride, origin, transpose, i) = matrix.elements[i];
    }
}

// Sums in 32-bit floats, whatever the elements are.
template <typename D, typename A, typename B, typename C>
inline void simdgroup_multiply_accumulate(simdgroup_matrix<D, 8, 8>& d, simdgroup_matrix<A, 8, 8>& a, simdgroup_matrix<B, 8, 8>& b,
        simdgroup_matrix<C, 8, 8>& c, MSL_SITE) {
    struct Operands {
        vec<A, 2> a;
        vec<B, 2> b;
    } operands{a.elements, b.elements};
    auto lanes = msl_meet(operands, msl_op_matrix_multiply, site);
    auto place = msl_matrix_place::of(lanes.self);
    float first = c.elements[0];
    float second = c.elements[1];
    for (unsigned k = 0; k < 8; k++) {
        float left = lanes[msl_matrix_place::lane(place.row, k)].a[k & 1];
        vec<B, 2> right = lanes[msl_matrix_place::lane(k, place.column)].b;
        first += left * (float)right[0];
        second += left * (float)right[1];
    }
    d.elements[0] = (D)first;
    d.elements[1] = (D)second;
}

template <typename D, typename A, typename B>
inline void simdgroup_multiply(simdgroup_matrix<D, 8, 8>& d, simdgroup_matrix<A, 8, 8>& a, simdgroup_matrix<B, 8, 8>& b, MSL_SITE) {
    auto zero = make_filled_simdgroup_matrix<D, 8>(D(0));
    simdgroup_multiply_accumulate(d, a, b, zero, site);
}

#endif

typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;
typedef simdgroup_matrix<bfloat, 8, 8> simdgroup_bfloat8x8;

}
