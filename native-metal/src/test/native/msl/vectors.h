// Vector types, which clang has with swizzles and operators, and their constructors as functions.
#pragma once

namespace metal {

template <typename T, int N> struct msl_vector { typedef T type __attribute__((ext_vector_type(N))); };
template <typename T, int N> using vec = typename msl_vector<T, N>::type;

// Element and size of a vector type; 0 for scalars.
template <typename V> struct msl_shape { enum { size = 0 }; };

}

#define MSL_ELEMENT_TYPES(X) X(char) X(uchar) X(short) X(ushort) X(int) X(uint) X(long) X(ulong) X(half) X(float) X(bfloat)
#define MSL_VECTOR_TYPE(T, N)                              \
    typedef T T##N __attribute__((ext_vector_type(N)));    \
    template <> struct metal::msl_shape<T##N> {            \
        typedef T element;                                 \
        enum { size = N };                                 \
    };
#define MSL_VECTOR_TYPES(T) MSL_VECTOR_TYPE(T, 2) MSL_VECTOR_TYPE(T, 3) MSL_VECTOR_TYPE(T, 4)
MSL_ELEMENT_TYPES(MSL_VECTOR_TYPES)

// Vectors with the alignment of their elements; there are none of three, whose size differs in Metal.
#define MSL_PACKED_TYPES(T)                                                 \
    typedef T##2 packed_##T##2 __attribute__((aligned(sizeof(T))));         \
    typedef T##4 packed_##T##4 __attribute__((aligned(sizeof(T))));
MSL_PACKED_TYPES(char)
MSL_PACKED_TYPES(uchar)
MSL_PACKED_TYPES(short)
MSL_PACKED_TYPES(ushort)
MSL_PACKED_TYPES(int)
MSL_PACKED_TYPES(uint)
MSL_PACKED_TYPES(half)
MSL_PACKED_TYPES(float)

namespace metal {

template <typename S> constexpr constant int msl_elements = msl_shape<S>::size == 0 ? 1 : (int)msl_shape<S>::size;

template <typename V, int at, typename S> inline void msl_put(thread V& out, S value) {
    if constexpr (msl_shape<S>::size == 0) {
        out[at] = (typename msl_shape<V>::element)value;
    } else {
        for (int i = 0; i < (int)msl_shape<S>::size; i++) {
            out[at + i] = (typename msl_shape<V>::element)value[i];
        }
    }
}

template <typename V, typename S> inline V msl_make(S value) {
    if constexpr (msl_shape<S>::size == 0) {
        V all = (typename msl_shape<V>::element)value;
        return all;
    } else {
        static_assert((int)msl_shape<S>::size == (int)msl_shape<V>::size, "a vector converts to one of the same size");
        return __builtin_convertvector(value, V);
    }
}

template <typename V, typename A, typename B> inline V msl_make(A a, B b) {
    static_assert(msl_elements<A> + msl_elements<B> == (int)msl_shape<V>::size, "a vector is made of as many elements as it has");
    V out;
    msl_put<V, 0>(out, a);
    msl_put<V, msl_elements<A>>(out, b);
    return out;
}

template <typename V, typename A, typename B, typename C> inline V msl_make(A a, B b, C c) {
    static_assert(msl_elements<A> + msl_elements<B> + msl_elements<C> == (int)msl_shape<V>::size, "a vector is made of as many elements as it has");
    V out;
    msl_put<V, 0>(out, a);
    msl_put<V, msl_elements<A>>(out, b);
    msl_put<V, msl_elements<A> + msl_elements<B>>(out, c);
    return out;
}

template <typename V, typename A, typename B, typename C, typename D> inline V msl_make(A a, B b, C c, D d) {
    static_assert((int)msl_shape<V>::size == 4, "a vector is made of as many elements as it has");
    V out;
    msl_put<V, 0>(out, a);
    msl_put<V, 1>(out, b);
    msl_put<V, 2>(out, c);
    msl_put<V, 3>(out, d);
    return out;
}

template <typename D, typename S> inline D as_type(S value) {
    static_assert(sizeof(D) == sizeof(S), "as_type keeps the size");
#ifdef MSL_STRICT
    D any;
    return any;
#else
    return __builtin_bit_cast(D, value);
#endif
}

}
