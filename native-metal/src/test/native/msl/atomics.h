// Relaxed atomics of 32 bits, the only ones Metal has everywhere.
#pragma once

namespace metal {

enum msl_memory_order { msl_memory_order_relaxed = 0 };
template <typename T> struct atomic { T value; };
typedef atomic<int> msl_atomic_int;
typedef atomic<uint> msl_atomic_uint;
typedef atomic<float> msl_atomic_float;

// clang knows these names from OpenCL.
#define memory_order msl_memory_order
#define memory_order_relaxed msl_memory_order_relaxed
#define atomic_int msl_atomic_int
#define atomic_uint msl_atomic_uint
#define atomic_float msl_atomic_float

#ifdef MSL_STRICT
#define MSL_ATOMIC_UPDATE(space, name) template <typename T> T name(volatile space atomic<T>*, T, memory_order);
#define MSL_ATOMICS(space)                                                                                                         \
    template <typename T> T atomic_load_explicit(const volatile space atomic<T>*, memory_order);                                   \
    template <typename T> void atomic_store_explicit(volatile space atomic<T>*, T, memory_order);                                  \
    template <typename T>                                                                                                          \
    bool atomic_compare_exchange_weak_explicit(volatile space atomic<T>*, thread T*, T, memory_order, memory_order);               \
    MSL_ATOMIC_UPDATE(space, atomic_exchange_explicit)                                                                             \
    MSL_ATOMIC_UPDATE(space, atomic_fetch_add_explicit)                                                                            \
    MSL_ATOMIC_UPDATE(space, atomic_fetch_sub_explicit)                                                                            \
    MSL_ATOMIC_UPDATE(space, atomic_fetch_max_explicit)                                                                            \
    MSL_ATOMIC_UPDATE(space, atomic_fetch_min_explicit)                                                                            \
    MSL_ATOMIC_UPDATE(space, atomic_fetch_or_explicit)                                                                             \
    MSL_ATOMIC_UPDATE(space, atomic_fetch_and_explicit)
MSL_ATOMICS(device)
MSL_ATOMICS(threadgroup)
#else
template <typename T> struct msl_identity { typedef T type; };
#define MSL_ATOMIC_UPDATE(name, formula)                                                                                 \
    template <typename T> inline T name(volatile atomic<T>* at, typename msl_identity<T>::type y, memory_order) {        \
        T x;                                                                                                             \
        T next;                                                                                                          \
        __atomic_load((T*)&at->value, &x, __ATOMIC_RELAXED);                                                             \
        do {                                                                                                             \
            next = formula;                                                                                              \
        } while (!__atomic_compare_exchange((T*)&at->value, &x, &next, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));      \
        return x;                                                                                                        \
    }
MSL_ATOMIC_UPDATE(atomic_exchange_explicit, y)
MSL_ATOMIC_UPDATE(atomic_fetch_add_explicit, x + y)
MSL_ATOMIC_UPDATE(atomic_fetch_sub_explicit, x - y)
MSL_ATOMIC_UPDATE(atomic_fetch_max_explicit, (x > y ? x : y))
MSL_ATOMIC_UPDATE(atomic_fetch_min_explicit, (x < y ? x : y))
MSL_ATOMIC_UPDATE(atomic_fetch_or_explicit, x | y)
MSL_ATOMIC_UPDATE(atomic_fetch_and_explicit, x & y)

template <typename T> inline T atomic_load_explicit(const volatile atomic<T>* at, memory_order) {
    T value;
    __atomic_load((T*)&at->value, &value, __ATOMIC_RELAXED);
    return value;
}

template <typename T> inline void atomic_store_explicit(volatile atomic<T>* at, typename msl_identity<T>::type value, memory_order) {
    __atomic_store((T*)&at->value, &value, __ATOMIC_RELAXED);
}

template <typename T>
inline bool atomic_compare_exchange_weak_explicit(volatile atomic<T>* at, T* expected, typename msl_identity<T>::type value, memory_order, memory_order) {
    return __atomic_compare_exchange((T*)&at->value, expected, &value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
#endif

}
